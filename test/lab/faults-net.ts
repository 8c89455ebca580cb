/** Bad networks: delay, loss, reordering. Made inside the guest, whose kernel has netem; this machine's may not. */
import { AppError } from '#kit/errors.ts'
import { type CuttableNet, interfaceOf, type LabNode } from './layout.ts'
import type { StorageLab } from './storage.ts'

/** Each way: a delay of 50 ms is a round trip of 100 ms. */
export interface NetShape {
  readonly delayMs?: number
  readonly jitterMs?: number
  readonly lossPercent?: number
  readonly duplicatePercent?: number
  /** That many packets overtake the others; needs a delay. */
  readonly reorderPercent?: number
}

/** The words of `tc … netem`. */
export function netemWords(shape: NetShape): string {
  const { delayMs, jitterMs, lossPercent, duplicatePercent, reorderPercent } = shape
  if (delayMs === undefined && (jitterMs !== undefined || reorderPercent !== undefined)) {
    throw new AppError('ARGUMENT_INVALID', 'jitter and reordering need a delay', { ...shape })
  }
  const words = ['limit 10000']
  if (delayMs !== undefined) words.push(`delay ${delayMs}ms${jitterMs === undefined ? '' : ` ${jitterMs}ms`}`)
  if (lossPercent !== undefined) words.push(`loss ${lossPercent}%`)
  if (duplicatePercent !== undefined) words.push(`duplicate ${duplicatePercent}%`)
  if (reorderPercent !== undefined) words.push(`reorder ${reorderPercent}%`)
  return words.join(' ')
}

function clear(net: CuttableNet): string {
  const card = interfaceOf(net)
  return `tc qdisc del dev ${card} root; tc qdisc del dev ${card} ingress; ip link del ifb-${net}`
}

/** Outgoing packets pass netem on the card; incoming ones are led through an ifb device that has it too. */
export async function shapeNet(
  lab: StorageLab,
  node: LabNode,
  net: CuttableNet,
  shape: NetShape,
): Promise<void> {
  const card = interfaceOf(net)
  const ifb = `ifb-${net}`
  const netem = netemWords(shape)
  const steps = [
    'modprobe -a sch_netem sch_ingress cls_matchall act_mirred && modprobe ifb numifbs=0',
    `tc qdisc add dev ${card} root netem ${netem}`,
    `ip link add ${ifb} type ifb && ip link set ${ifb} up && tc qdisc add dev ${ifb} root netem ${netem}`,
    `tc qdisc add dev ${card} ingress`,
    `tc filter add dev ${card} parent ffff: matchall action mirred egress redirect dev ${ifb}`,
  ]
  await lab.sh(node, `{ ${clear(net)}; } 2>/dev/null\nset -e\n${steps.join('\n')}`)
}

export async function unshapeNet(lab: StorageLab, node: LabNode, net: CuttableNet): Promise<void> {
  await lab.sh(node, `{ ${clear(net)}; } 2>/dev/null; true`)
}
