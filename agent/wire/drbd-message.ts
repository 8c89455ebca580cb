/** One DRBD message, both directions: family header and attribute blocks by the tables. */
import { concat, eachAttr, readBlock, writeBlock } from './attrs.ts'
import { CMD_NAME, type FamilyVersion } from './drbd-codes.ts'
import { BLOCK_BY_NO, BLOCKS, type Blocks } from './drbd-tables.ts'
import { GENL_HEADER, genlMessage } from './genl.ts'
import { malformed, NLMSG_HEADER, type NlMessage, viewOf } from './nlmsg.ts'

const FAMILY_HEADER = 8
const FIRST_ATTR = NLMSG_HEADER + GENL_HEADER + FAMILY_HEADER
const NO_MINOR = 0xffffffff

export interface DrbdMessage {
  readonly cmd: number
  readonly version: FamilyVersion
  readonly seq: number
  readonly flags: number
  /** Undefined: the message is not about a minor. */
  readonly minor: number | undefined
  readonly retCode: number
  readonly blocks: Blocks
  /** What the tables do not know, by name: `device_info.9`, `block.40`, `command.51`. */
  readonly unknown: readonly string[]
}

export interface DrbdRequest {
  readonly familyId: number
  readonly version: FamilyVersion
  readonly cmd: number
  readonly seq: number
  readonly nlFlags: number
  readonly minor?: number
  /** 1 = SET_DEFAULTS: options that are not named return to their default. */
  readonly flags?: number
  readonly blocks?: Blocks
}

export function readDrbdMessage(message: NlMessage): DrbdMessage {
  const { view, bytes } = message
  if (bytes.length < FIRST_ATTR) throw malformed('DRBD header', NLMSG_HEADER, { have: bytes.length })
  const unknown: string[] = []
  const blocks: Record<string, unknown> = {}
  eachAttr(view, FIRST_ATTR, bytes.length, (no, from, to) => {
    const table = BLOCK_BY_NO.get(no)
    if (table === undefined) unknown.push(`block.${no}`)
    else blocks[table.name] = readBlock(table, view, from, to, unknown)
  })
  const cmd = view.getUint8(NLMSG_HEADER)
  if (!CMD_NAME.has(cmd)) unknown.push(`command.${cmd}`)
  const version = view.getUint8(NLMSG_HEADER + 1)
  if (version !== 1 && version !== 2) unknown.push(`version.${version}`)
  const minor = view.getUint32(NLMSG_HEADER + GENL_HEADER, true)
  return {
    cmd,
    version: version === 1 ? 1 : 2,
    seq: message.seq,
    flags: message.flags,
    minor: minor === NO_MINOR ? undefined : minor,
    retCode: view.getInt32(NLMSG_HEADER + GENL_HEADER + 4, true),
    blocks: blocks as Blocks,
    unknown,
  }
}

/** A request, or (with `flags` as the result code) what a kernel would say. */
export function writeDrbdMessage(request: DrbdRequest): Uint8Array {
  const header = new Uint8Array(FAMILY_HEADER)
  viewOf(header).setUint32(0, request.minor ?? NO_MINOR, true)
  viewOf(header).setInt32(4, request.flags ?? 0, true)
  const given = request.blocks ?? {}
  const parts = BLOCKS.flatMap(table => {
    const value = given[table.name]
    return value === undefined ? [] : [writeBlock(table, value)]
  })
  return genlMessage(
    {
      type: request.familyId,
      flags: request.nlFlags,
      seq: request.seq,
      cmd: request.cmd,
      version: request.version,
    },
    concat([header, ...parts]),
  )
}
