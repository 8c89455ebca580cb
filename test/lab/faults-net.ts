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
  await lab.sh(
    node,
    `set -e
    modprobe -a sch_netem sch_ingress cls_matchall act_mirred; modprobe ifb numifbs=0
    tc qdisc replace dev ${card} root netem ${netem}
    ip link show ${ifb} >/dev/null 2>&1 || ip link add ${ifb} type ifb
    ip link set ${ifb} up
    tc qdisc replace dev ${card} ingress
    tc filter replace dev ${card} parent ffff: pref 1 handle 1 matchall action mirred egress redirect dev ${ifb}
    tc qdisc replace dev ${ifb} root netem ${netem}`,
  )
}

export async function unshapeNet(lab: StorageLab, node: LabNode, net: CuttableNet): Promise<void> {
  const card = interfaceOf(net)
  await lab.sh(
    node,
    `tc qdisc del dev ${card} root 2>/dev/null; tc qdisc del dev ${card} ingress 2>/dev/null; ip link del ifb-${net} 2>/dev/null; true`,
  )
}
