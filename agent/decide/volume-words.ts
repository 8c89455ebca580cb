/** A DRBD resource in the words that both the status document and the report use. */
import type { Connection, DiskState, Resource } from '../state/drbd-model.ts'
import type { Members } from '../state/mesh-model.ts'
import { hostOf, peerNode } from './peer-node.ts'

/** From bad to good; a word that no table knows comes before all of them. */
const DISKS: readonly string[] = [
  'Failed',
  'Diskless',
  'Detaching',
  'Attaching',
  'Negotiating',
  'Inconsistent',
  'Outdated',
  'DUnknown',
  'Consistent',
  'UpToDate',
]

export function worstDisk(disks: readonly DiskState[]): string {
  const sorted = [...disks].sort((left, right) => DISKS.indexOf(left) - DISKS.indexOf(right))
  return sorted[0] ?? 'DUnknown'
}

export function suspendedWords({ suspended }: Resource): ('user' | 'no-data' | 'fencing' | 'quorum')[] {
  return [
    ...(suspended.user ? (['user'] as const) : []),
    ...(suspended.noData ? (['no-data'] as const) : []),
    ...(suspended.fencing ? (['fencing'] as const) : []),
    ...(suspended.quorum ? (['quorum'] as const) : []),
  ]
}

/** The member on the other side; the address, or the connection's name, where none has it. */
export function peerWord(members: Members | undefined, connection: Connection): string {
  const { peerAddress, connName } = connection
  const host = peerAddress === undefined ? undefined : (hostOf(peerAddress) ?? peerAddress)
  return peerNode(members, connection) ?? host ?? (connName === '' ? 'unknown' : connName)
}

/** Undefined: the kernel tells it for none of the volumes. */
export function outOfSync(connection: Connection): number | undefined {
  const known = [...connection.peerDevices.values()].flatMap(({ outOfSyncBytes }) => outOfSyncBytes ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0)
}
