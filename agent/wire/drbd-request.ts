/** Requests to DRBD and their results as typed outcomes; the kernel's number always stays visible. */
import { CMD, type FamilyVersion, NO_ERROR, resultName } from './drbd-codes.ts'
import { type DrbdMessage, type DrbdRequest, writeDrbdMessage } from './drbd-message.ts'
import type { Blocks } from './drbd-tables.ts'
import { NLM_F_DUMP, NLM_F_REQUEST } from './nlmsg.ts'

export interface FamilyRef {
  readonly id: number
  readonly version: FamilyVersion
}

export interface VolumeRef {
  readonly resource: string
  readonly volume: number
  readonly minor: number
}

export interface PeerRef {
  readonly resource: string
  /** 9.x: by node id. 8.4: by the two addresses, as the kernel told them. */
  readonly peer: { readonly nodeId: number } | { readonly myAddr: Uint8Array; readonly peerAddr: Uint8Array }
}

/** What the agent may ask for. Role changes are about a minor in 8.4 and about the resource in 9.x; both take both. */
export type DrbdCommand =
  | { readonly kind: 'primary'; readonly of: VolumeRef; readonly force: boolean }
  | { readonly kind: 'secondary'; readonly of: VolumeRef; readonly force: boolean }
  | { readonly kind: 'outdate'; readonly of: VolumeRef }
  | { readonly kind: 'suspend-io'; readonly of: VolumeRef }
  | { readonly kind: 'resume-io'; readonly of: VolumeRef }
  | { readonly kind: 'detach'; readonly of: VolumeRef; readonly force: boolean }
  | { readonly kind: 'disconnect'; readonly of: PeerRef; readonly force: boolean }

export type DrbdOutcome =
  | { readonly kind: 'done'; readonly code: number; readonly name: string }
  | { readonly kind: 'already'; readonly code: number; readonly name: string }
  | {
      readonly kind: 'refused'
      readonly code: number
      readonly name: string
      /** The same request may succeed a moment later, with nothing else changed. */
      readonly transient: boolean
      readonly info: readonly string[]
    }

interface Shape {
  readonly cmd: number
  readonly minor?: number
  readonly blocks: Blocks
}

function shapeOf(command: DrbdCommand): Shape {
  if (command.kind === 'disconnect') {
    const { resource, peer } = command.of
    const context =
      'nodeId' in peer
        ? { ctx_resource_name: resource, ctx_peer_node_id: peer.nodeId }
        : { ctx_resource_name: resource, ctx_my_addr: peer.myAddr, ctx_peer_addr: peer.peerAddr }
    return {
      cmd: CMD.DISCONNECT,
      blocks: { cfg_context: context, disconnect_parms: { force_disconnect: command.force } },
    }
  }
  const { resource, volume, minor } = command.of
  const cfg_context = { ctx_resource_name: resource, ctx_volume: volume }
  switch (command.kind) {
    case 'primary':
      return { cmd: CMD.PRIMARY, minor, blocks: { cfg_context, set_role_parms: { force: command.force } } }
    case 'secondary':
      return { cmd: CMD.SECONDARY, minor, blocks: { cfg_context, set_role_parms: { force: command.force } } }
    case 'outdate':
      return { cmd: CMD.OUTDATE, minor, blocks: { cfg_context } }
    case 'suspend-io':
      return { cmd: CMD.SUSPEND_IO, minor, blocks: { cfg_context } }
    case 'resume-io':
      return { cmd: CMD.RESUME_IO, minor, blocks: { cfg_context } }
    case 'detach':
      return {
        cmd: CMD.DETACH,
        minor,
        blocks: { cfg_context, detach_parms: { force_detach: command.force } },
      }
  }
}

/** The bytes of a command. The kernel answers with one message of the same command, or with an errno. */
export function commandRequest(family: FamilyRef, command: DrbdCommand, seq: number): Uint8Array {
  return writeDrbdMessage({ ...base(family, seq, NLM_F_REQUEST), ...shapeOf(command) })
}

export type DumpCommand =
  | 'GET_INITIAL_STATE'
  | 'GET_RESOURCES'
  | 'GET_DEVICES'
  | 'GET_CONNECTIONS'
  | 'GET_PEER_DEVICES'
  | 'GET_PATHS'

/** The bytes of a dump of everything, or (30–33, 50) of one resource. */
export function dumpRequest(
  family: FamilyRef,
  dump: DumpCommand,
  seq: number,
  resource?: string,
): Uint8Array {
  const blocks = resource === undefined ? {} : { blocks: { cfg_context: { ctx_resource_name: resource } } }
  return writeDrbdMessage({ ...base(family, seq, NLM_F_REQUEST | NLM_F_DUMP), cmd: CMD[dump], ...blocks })
}

function base(
  family: FamilyRef,
  seq: number,
  nlFlags: number,
): Pick<DrbdRequest, 'familyId' | 'version' | 'seq' | 'nlFlags'> {
  return { familyId: family.id, version: family.version, seq, nlFlags }
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'SS_IN_TRANSIENT_STATE',
  'SS_CONCURRENT_ST_CHG',
  'SS_INTERRUPTED',
  'SS_TIMEOUT',
  'SS_WEAKLY_CONNECTED',
  'SS_HANDSHAKE_RETRY',
])

export function readOutcome(reply: DrbdMessage): DrbdOutcome {
  const { retCode: code, version } = reply
  const name = resultName(code, version)
  if (code === 2 || name === 'SS_ALREADY_STANDALONE') return { kind: 'already', code, name }
  if (code === NO_ERROR || code === 1 || code === 3 || code === 4) return { kind: 'done', code, name }
  const info = reply.blocks.cfg_reply?.info_text ?? []
  return { kind: 'refused', code, name, transient: TRANSIENT.has(name), info }
}
