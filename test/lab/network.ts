/** Bridges and taps of the lab, and the faults that are made on this machine's side of the cable. */
import { AppError } from '#kit/errors.ts'
import {
  bridgeName,
  type CuttableNet,
  hostAddress,
  type LabNet,
  type LabNode,
  macAddress,
  NETS,
  nodeAddress,
  tapName,
} from './layout.ts'
import { run, tryRun } from './run.ts'

/** A tap that nobody reads: what is sent there is lost. */
const SINK = 'sink'

export async function openNetwork(nodes: readonly LabNode[]): Promise<void> {
  await ip([`tuntap add ${SINK} mode tap`, `link set ${SINK} up`, ...NETS.flatMap(net => wiring(net, nodes))])
}

function wiring(net: LabNet, nodes: readonly LabNode[]): string[] {
  const bridge = bridgeName(net)
  const cables = nodes.flatMap(node => [
    `tuntap add ${tapName(node, net)} mode tap`,
    `link set ${tapName(node, net)} master ${bridge}`,
    `link set ${tapName(node, net)} up`,
    // ctl only: a fixed neighbour entry saves waiting for ARP while a guest boots
    ...(net === 'ctl'
      ? [`neigh add ${nodeAddress(node, net)} lladdr ${macAddress(node, net)} dev ${bridge} nud permanent`]
      : []),
  ])
  return [
    `link add ${bridge} type bridge forward_delay 0`,
    `addr add ${hostAddress(net)}/24 dev ${bridge}`,
    `link set ${bridge} up`,
    ...cables,
  ]
}

/** Out of the bridge, not down: the UML driver stops for good when its tap goes down. */
export async function cutCable(node: LabNode, net: CuttableNet): Promise<void> {
  await ip([`link set ${tapName(node, net)} nomaster`])
}

export async function healCable(node: LabNode, net: CuttableNet): Promise<void> {
  await ip([`link set ${tapName(node, net)} master ${bridgeName(net)}`])
}

/**
 * Loses everything that one node sends to another (unicast: an ARP question still arrives, its answer does not).
 * Where the frame comes in, because bridges have no rules of their own without ebtables.
 */
async function loseFrames(from: LabNode, to: LabNode, net: CuttableNet): Promise<void> {
  const tap = tapName(from, net)
  await run(['tc', 'qdisc', 'replace', 'dev', tap, 'ingress'])
  const [a, b, c, d, e, f] = macAddress(to, net).split(':')
  const match = [
    'match',
    'u16',
    `0x${a}${b}`,
    '0xffff',
    'at',
    '-14',
    'match',
    'u32',
    `0x${c}${d}${e}${f}`,
    '0xffffffff',
    'at',
    '-12',
  ]
  const rule = ['parent', 'ffff:', 'protocol', 'all', 'pref', preference(to), 'u32', ...match]
  await run([
    'tc',
    'filter',
    'add',
    'dev',
    tap,
    ...rule,
    'action',
    'mirred',
    'egress',
    'redirect',
    'dev',
    SINK,
  ])
}

/** Nothing to pass again is as good. */
async function passFrames(from: LabNode, to: LabNode, net: CuttableNet): Promise<void> {
  const rule = ['parent', 'ffff:', 'protocol', 'all', 'pref', preference(to)]
  const { status, stderr } = await tryRun(['tc', 'filter', 'del', 'dev', tapName(from, net), ...rule])
  if (status === 0 || /No such file|Cannot find|does ?n.t exist|Invalid handle/i.test(stderr)) return
  throw new AppError('LAB_FAILED', 'a link could not be healed', { from, to, net, stderr: stderr.trim() })
}

function preference(to: LabNode): string {
  return to.slice(1)
}

export async function cutPair(a: LabNode, b: LabNode, net: CuttableNet): Promise<void> {
  if (a === b) throw new AppError('ARGUMENT_INVALID', 'a link needs two different nodes', { node: a })
  await loseFrames(a, b, net)
  await loseFrames(b, a, net)
}

export async function healPair(a: LabNode, b: LabNode, net: CuttableNet): Promise<void> {
  await passFrames(a, b, net)
  await passFrames(b, a, net)
}

async function ip(lines: readonly string[]): Promise<void> {
  try {
    await run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
  } catch (cause) {
    throw new AppError('LAB_FAILED', 'the network of the lab could not be changed', {}, cause)
  }
}
