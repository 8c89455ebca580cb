/** The info blocks of DRBD's objects in words: every number by the table of its family version, unknown ones kept visible. */
import {
  CONNECTIONS,
  DISKS,
  type FamilyVersion,
  FENCING,
  REPLICATION_FIRST,
  REPLICATIONS,
  ROLES,
  UUID_FLAG_STABLE,
  WRITE_ORDERINGS,
} from './drbd-codes.ts'
import type { Blocks, ConnectionStatistics, DeviceStatistics, PeerDeviceStatistics } from './drbd-tables.ts'

type UnknownWord = `unknown:${number}`
export type RoleWord = (typeof ROLES)[number]
export type DiskWord = (typeof DISKS)[FamilyVersion][number] | UnknownWord
export type ConnectionWord = (typeof CONNECTIONS)[number] | UnknownWord
export type ReplicationWord = (typeof REPLICATIONS)[number] | UnknownWord
export type FencingWord = (typeof FENCING)[number] | 'unknown'

export interface ResourceInfo {
  readonly role: RoleWord
  readonly suspended: {
    readonly user: boolean
    readonly noData: boolean
    readonly fencing: boolean
    readonly quorum: boolean
  }
  readonly failIo: boolean
  readonly writeOrdering: string | undefined
}

export interface DeviceInfo {
  readonly disk: DiskWord
  readonly client: boolean
  readonly hasQuorum: boolean
  readonly isOpen: boolean | undefined
  readonly backingDev: string | undefined
  readonly statistics: DeviceStatistics | undefined
}

export interface ConnectionInfo {
  readonly state: ConnectionWord
  readonly peerRole: RoleWord
  readonly statistics: ConnectionStatistics | undefined
}

export interface PeerDeviceInfo {
  readonly replication: ReplicationWord
  readonly peerDisk: DiskWord
  readonly peerClient: boolean
  readonly resyncSuspended: {
    readonly user: boolean
    readonly peer: boolean
    readonly dependency: boolean
    readonly maxParallel: boolean
  }
  readonly peerStable: boolean | undefined
  readonly statistics: PeerDeviceStatistics | undefined
}

function word<T extends string>(
  table: readonly T[],
  no: number | undefined,
  enumName: string,
  unknown: string[],
): T | UnknownWord {
  const known = table[no ?? -1]
  if (known !== undefined) return known
  unknown.push(`${enumName}.${no ?? 'absent'}`)
  return `unknown:${no ?? -1}`
}

/** A role that no table knows reads `Unknown`: nothing is concluded from it. */
function roleWord(no: number | undefined, unknown: string[]): RoleWord {
  const role = word(ROLES, no, 'role', unknown)
  return role === 'Primary' || role === 'Secondary' ? role : 'Unknown'
}

function replicationWord(no: number | undefined, unknown: string[]): ReplicationWord {
  return word(REPLICATIONS, no === undefined ? undefined : no - REPLICATION_FIRST, 'replication', unknown)
}

/** The policy's word; absent, or a number without a name, is `unknown`. */
export function fencingWord(no: number | undefined): FencingWord {
  return FENCING[no ?? -1] ?? 'unknown'
}

export function resourceInfo(blocks: Blocks, unknown: string[]): ResourceInfo | undefined {
  const info = blocks.resource_info
  if (info === undefined) return undefined
  const ordering = blocks.resource_statistics?.res_stat_write_ordering
  return {
    role: roleWord(info.res_role, unknown),
    suspended: {
      user: info.res_susp ?? false,
      noData: info.res_susp_nod ?? false,
      fencing: info.res_susp_fen ?? false,
      quorum: info.res_susp_quorum ?? false,
    },
    failIo: info.res_fail_io ?? false,
    writeOrdering:
      ordering === undefined ? undefined : word(WRITE_ORDERINGS, ordering, 'write_ordering', unknown),
  }
}

export function deviceInfo(
  blocks: Blocks,
  version: FamilyVersion,
  unknown: string[],
): DeviceInfo | undefined {
  const info = blocks.device_info
  if (info === undefined) return undefined
  return {
    disk: word(DISKS[version], info.dev_disk_state, 'disk', unknown),
    client: info.is_intentional_diskless ?? false,
    hasQuorum: info.dev_has_quorum ?? true,
    isOpen: info.dev_is_open,
    backingDev: info.backing_dev_path === '' ? undefined : info.backing_dev_path,
    statistics: blocks.device_statistics,
  }
}

export function connectionInfo(blocks: Blocks, unknown: string[]): ConnectionInfo | undefined {
  const info = blocks.connection_info
  if (info === undefined) return undefined
  return {
    state: word(CONNECTIONS, info.conn_connection_state, 'connection', unknown),
    peerRole: roleWord(info.conn_role, unknown),
    statistics: blocks.connection_statistics,
  }
}

export function peerDeviceInfo(
  blocks: Blocks,
  version: FamilyVersion,
  unknown: string[],
): PeerDeviceInfo | undefined {
  const info = blocks.peer_device_info
  if (info === undefined) return undefined
  const flags = blocks.peer_device_statistics?.peer_dev_uuid_flags
  return {
    replication: replicationWord(info.peer_repl_state, unknown),
    peerDisk: word(DISKS[version], info.peer_disk_state, 'disk', unknown),
    peerClient: info.peer_is_intentional_diskless ?? false,
    resyncSuspended: {
      user: info.peer_resync_susp_user === 1,
      peer: info.peer_resync_susp_peer === 1,
      dependency: info.peer_resync_susp_dependency === 1,
      maxParallel: info.peer_resync_susp_max_parallel === 1,
    },
    peerStable: flags === undefined ? undefined : (flags & UUID_FLAG_STABLE) !== 0n,
    statistics: blocks.peer_device_statistics,
  }
}
