/** Names, addresses and paths of the lab: which node has which address, where files lie. Pure. */
import { AppError } from '#kit/errors.ts'

export type LabNode = `n${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`
/** mgmt: API server and agents; repl: DRBD; ctl: the way into the guest, never cut. */
export type LabNet = 'mgmt' | 'repl' | 'ctl'
export type CuttableNet = Exclude<LabNet, 'ctl'>

/** The order is that of eth0, eth1, eth2. */
export const NETS: readonly LabNet[] = ['mgmt', 'repl', 'ctl']
export const CUTTABLE: readonly CuttableNet[] = ['mgmt', 'repl']
export const SUBNET: Readonly<Record<LabNet, string>> = { mgmt: '10.99.0', repl: '10.98.0', ctl: '10.97.0' }

/** Port of the exec agent on the guest's ctl address. */
export const EXEC_PORT = 7000
/** What `reset` (started by a guest's kernel that wants to restart itself) exits with. */
export const RESET_STATUS = 88

export function isLabNode(text: string): text is LabNode {
  return /^n[1-9]$/.test(text)
}

export function labNode(text: string): LabNode {
  if (!isLabNode(text))
    throw new AppError('ARGUMENT_INVALID', 'a lab node is one of n1 to n9', { given: text })
  return text
}

export function isCuttableNet(text: string): text is CuttableNet {
  return text === 'mgmt' || text === 'repl'
}

export function nodeIndex(node: LabNode): number {
  return Number(node.slice(1))
}

export function nodesUpTo(count: number): LabNode[] {
  return Array.from({ length: count }, (_, index) => labNode(`n${index + 1}`))
}

/** This machine on a network of the lab. */
export function hostAddress(net: LabNet): string {
  return `${SUBNET[net]}.1`
}

export function nodeAddress(node: LabNode, net: LabNet): string {
  return `${SUBNET[net]}.1${nodeIndex(node)}`
}

export function macAddress(node: LabNode, net: LabNet): string {
  return `02:00:00:0${NETS.indexOf(net)}:00:0${nodeIndex(node)}`
}

export function interfaceOf(net: LabNet): string {
  return `eth${NETS.indexOf(net)}`
}

export function tapName(node: LabNode, net: LabNet): string {
  return `${net}-${node}`
}

export function bridgeName(net: LabNet): string {
  return `br-${net}`
}

/** Disk number → device in the guest. */
export function diskDevice(index: number): string {
  return `/dev/ubd${'abcdefgh'.charAt(index)}`
}
