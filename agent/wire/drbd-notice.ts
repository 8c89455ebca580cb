/** DRBD's notifications in words: what happened to which object, with the numbers of its family version translated. */

import { addressText } from './address.ts'
import type { BlockValue } from './attrs.ts'
import {
  CMD,
  CONNECTIONS,
  DISKS,
  type FamilyVersion,
  FENCING,
  NO_ERROR,
  NOTICE_CONTINUES,
  NOTICE_TYPES,
  REPLICATION_FIRST,
  REPLICATIONS,
  ROLES,
  UUID_FLAG_STABLE,
  WRITE_ORDERINGS,
} from './drbd-codes.ts'
import type { DrbdMessage } from './drbd-message.ts'
import type { Blocks, ConnectionStatistics, DeviceStatistics, PeerDeviceStatistics } from './drbd-tables.ts'
import { malformed, NLMSG_HEADER } from './nlmsg.ts'

type UnknownWord = `unknown:${number}`
export type RoleWord = (typeof ROLES)[number]
export type DiskWord = (typeof DISKS)[FamilyVersion][number] | UnknownWord
export type ConnectionWord = (typeof CONNECTIONS)[number] | UnknownWord
export type ReplicationWord = (typeof REPLICATIONS)[number] | UnknownWord
export type FencingWord = (typeof FENCING)[number] | 'unknown'

export type NoticeHow = (typeof NOTICE_TYPES)[number]

interface NoticeHead {
  readonly how: NoticeHow
  /** More messages of the same change follow: nothing is consistent before the last one. */
  readonly continues: boolean
  readonly resource: string
  readonly unknown: readonly string[]
}

export interface ResourceNotice extends NoticeHead {
  readonly object: 'resource'
  readonly newName: string | undefined
  readonly info: ResourceInfo | undefined
}
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

export interface DeviceNotice extends NoticeHead {
  readonly object: 'device'
  readonly volume: number
  readonly minor: number
  readonly info: DeviceInfo | undefined
}
export interface DeviceInfo {
  readonly disk: DiskWord
  readonly client: boolean
  readonly hasQuorum: boolean
  readonly isOpen: boolean | undefined
  readonly backingDev: string | undefined
  readonly statistics: DeviceStatistics | undefined
}

export interface ConnectionNotice extends NoticeHead {
  readonly object: 'connection'
  readonly peerNodeId: number
  readonly connName: string
  readonly localAddress: string | undefined
  readonly peerAddress: string | undefined
  readonly info: ConnectionInfo | undefined
}
export interface ConnectionInfo {
  readonly state: ConnectionWord
  readonly peerRole: RoleWord
  readonly statistics: ConnectionStatistics | undefined
}

export interface PeerDeviceNotice extends NoticeHead {
  readonly object: 'peer-device'
  readonly peerNodeId: number
  readonly volume: number
  readonly info: PeerDeviceInfo | undefined
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

export interface PathNotice extends NoticeHead {
  readonly object: 'path'
  readonly peerNodeId: number
  readonly local: string
  readonly peer: string
  readonly established: boolean
}

export interface HelperNotice extends NoticeHead {
  readonly object: 'helper'
  readonly peerNodeId: number | undefined
  readonly volume: number | undefined
  readonly helper: string
  /** The raw result of the call: a wait status, or a negative errno as u32. */
  readonly status: number
}

export type ObjectNotice =
  | ResourceNotice
  | DeviceNotice
  | ConnectionNotice
  | PeerDeviceNotice
  | PathNotice
  | HelperNotice
/** `done` ends the initial state. `other` is kept visible, and counts for nothing. */
export type DrbdNotice =
  | ObjectNotice
  | { readonly object: 'done'; readonly unknown: readonly string[] }
  | { readonly object: 'other'; readonly unknown: readonly string[] }

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

/** DRBD 8.4 has one peer and no node ids. */
export const NO_NODE_ID = -1

function textOf(blob: Uint8Array | undefined): string | undefined {
  return blob === undefined || blob.length === 0 ? undefined : addressText(blob)
}

/** The part of the context that every object has; without it a message cannot be used. */
function need<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw malformed('DRBD notification', NLMSG_HEADER, { missing: field })
  return value
}

interface Parts {
  readonly head: NoticeHead
  readonly message: DrbdMessage
  readonly context: NonNullable<Blocks['cfg_context']>
  readonly unknown: string[]
}

type Reader = (parts: Parts) => ObjectNotice

const infoNeeded = (how: NoticeHow): boolean => how === 'exists' || how === 'create' || how === 'change'

function whole<T>(info: T | undefined, how: NoticeHow, field: string): T | undefined {
  return infoNeeded(how) ? need(info, field) : info
}

const READERS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [
    CMD.RESOURCE_STATE,
    ({ head, message: { blocks }, unknown }) => ({
      ...head,
      object: 'resource',
      newName:
        head.how === 'rename' ? need(blocks.rename_resource_info?.res_new_name, 'res_new_name') : undefined,
      info: whole(resourceInfo(blocks, unknown), head.how, 'resource_info'),
    }),
  ],
  [
    CMD.DEVICE_STATE,
    ({ head, message, context, unknown }) => ({
      ...head,
      object: 'device',
      volume: need(context.ctx_volume, 'ctx_volume'),
      minor: need(message.minor, 'minor'),
      info: whole(deviceInfo(message.blocks, message.version, unknown), head.how, 'device_info'),
    }),
  ],
  [
    CMD.CONNECTION_STATE,
    ({ head, message: { blocks }, context, unknown }) => ({
      ...head,
      object: 'connection',
      peerNodeId: context.ctx_peer_node_id ?? NO_NODE_ID,
      connName: context.ctx_conn_name ?? 'peer',
      localAddress: textOf(context.ctx_my_addr ?? blocks.path_parms?.my_addr?.[0]),
      peerAddress: textOf(context.ctx_peer_addr ?? blocks.path_parms?.peer_addr?.[0]),
      info: whole(connectionInfo(blocks, unknown), head.how, 'connection_info'),
    }),
  ],
  [
    CMD.PEER_DEVICE_STATE,
    ({ head, message: { blocks, version }, context, unknown }) => ({
      ...head,
      object: 'peer-device',
      peerNodeId: context.ctx_peer_node_id ?? NO_NODE_ID,
      volume: need(context.ctx_volume, 'ctx_volume'),
      info: whole(peerDeviceInfo(blocks, version, unknown), head.how, 'peer_device_info'),
    }),
  ],
  [
    CMD.PATH_STATE,
    ({ head, message: { blocks }, context }) => ({
      ...head,
      object: 'path',
      peerNodeId: context.ctx_peer_node_id ?? NO_NODE_ID,
      local: need(textOf(context.ctx_my_addr), 'ctx_my_addr'),
      peer: need(textOf(context.ctx_peer_addr), 'ctx_peer_addr'),
      established: blocks.path_info?.path_established ?? false,
    }),
  ],
  [
    CMD.HELPER,
    ({ head, message: { blocks }, context }) => ({
      ...head,
      object: 'helper',
      peerNodeId: context.ctx_peer_node_id,
      volume: context.ctx_volume,
      helper: need(blocks.helper?.helper_name, 'helper_name'),
      status: blocks.helper?.helper_status ?? 0,
    }),
  ],
])

/** Reads a notification or a part of the initial state. */
export function toNotice(message: DrbdMessage): DrbdNotice {
  const { cmd, blocks } = message
  const unknown = [...message.unknown]
  if (message.retCode !== NO_ERROR) unknown.push(`ret_code.${message.retCode}`)
  if (cmd === CMD.INITIAL_STATE_DONE) return { object: 'done', unknown }
  const reader = READERS.get(cmd)
  if (reader === undefined) return { object: 'other', unknown }
  const type = need(blocks.notification_header?.nh_type, 'nh_type')
  const how = NOTICE_TYPES[type & ~NOTICE_CONTINUES]
  if (how === undefined) return { object: 'other', unknown: [...unknown, `nh_type.${type}`] }
  const context: BlockValue<never> & NonNullable<Blocks['cfg_context']> = blocks.cfg_context ?? {}
  const head = {
    how,
    continues: (type & NOTICE_CONTINUES) !== 0,
    resource: need(context.ctx_resource_name, 'ctx_resource_name'),
    unknown,
  }
  return reader({ head, message, context, unknown })
}
