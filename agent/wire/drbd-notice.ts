/** DRBD's notifications in words: what happened to which object, with the numbers of its family version translated. */

import { addressText } from './address.ts'
import { CMD, NO_ERROR, NOTICE_CONTINUES, NOTICE_TYPES } from './drbd-codes.ts'
import {
  type ConnectionInfo,
  connectionInfo,
  type DeviceInfo,
  deviceInfo,
  type PeerDeviceInfo,
  peerDeviceInfo,
  type ResourceInfo,
  resourceInfo,
} from './drbd-info.ts'
import type { DrbdMessage } from './drbd-message.ts'
import type { Blocks } from './drbd-tables.ts'
import { malformed, NLMSG_HEADER } from './nlmsg.ts'

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
export interface DeviceNotice extends NoticeHead {
  readonly object: 'device'
  readonly volume: number
  readonly minor: number
  readonly info: DeviceInfo | undefined
}
export interface ConnectionNotice extends NoticeHead {
  readonly object: 'connection'
  readonly peerNodeId: number
  readonly connName: string
  readonly localAddress: string | undefined
  readonly peerAddress: string | undefined
  readonly info: ConnectionInfo | undefined
}
export interface PeerDeviceNotice extends NoticeHead {
  readonly object: 'peer-device'
  readonly peerNodeId: number
  readonly volume: number
  readonly info: PeerDeviceInfo | undefined
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
  const context: NonNullable<Blocks['cfg_context']> = blocks.cfg_context ?? {}
  const head = {
    how,
    continues: (type & NOTICE_CONTINUES) !== 0,
    resource: need(context.ctx_resource_name, 'ctx_resource_name'),
    unknown,
  }
  return reader({ head, message, context, unknown })
}
