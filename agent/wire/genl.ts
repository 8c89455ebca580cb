/** Generic netlink's own controller (nlctrl): which families the kernel has, under which numbers, and when they come and go. */
import { concat, eachAttr, readText, textBytes, u32Bytes, writeAttr } from './attrs.ts'
import { malformed, NLM_F_REQUEST, NLMSG_HEADER, type NlMessage, writeNlMessage } from './nlmsg.ts'

export const GENL_HEADER = 4
/** nlctrl's family id, and the id of its group `notify`: both fixed by the kernel's ABI. */
export const NLCTRL_ID = 16
export const NLCTRL_NOTIFY_GROUP = 16

const CTRL_NEWFAMILY = 1
const CTRL_DELFAMILY = 2
const CTRL_GETFAMILY = 3

export interface GenlFamily {
  readonly id: number
  readonly name: string
  readonly version: number
  readonly headerSize: number
  readonly maxAttr: number
  /** Command → flags (1 needs CAP_NET_ADMIN, 2 request, 4 dump, 8 has a policy). */
  readonly ops: ReadonlyMap<number, number>
  readonly groups: ReadonlyMap<string, number>
}

export type FamilyNotice =
  | { readonly kind: 'new' | 'reply'; readonly family: GenlFamily }
  | { readonly kind: 'gone'; readonly name: string }

export function familyRequest(name: string, seq: number): Uint8Array {
  return genlMessage(
    { type: NLCTRL_ID, flags: NLM_F_REQUEST, seq, cmd: CTRL_GETFAMILY, version: 1 },
    writeAttr(2, textBytes(name)),
  )
}

export function genlMessage(
  head: {
    readonly type: number
    readonly flags: number
    readonly seq: number
    readonly cmd: number
    readonly version: number
  },
  payload: Uint8Array,
): Uint8Array {
  return writeNlMessage(head, concat([Uint8Array.of(head.cmd, head.version, 0, 0), payload]))
}

/** What nlctrl says in a reply or a notification; undefined for what is not about families (groups come with them). */
export function readFamilyNotice(message: NlMessage): FamilyNotice | undefined {
  if (message.bytes.length < NLMSG_HEADER + GENL_HEADER)
    throw malformed('generic netlink header', NLMSG_HEADER)
  const cmd = message.view.getUint8(NLMSG_HEADER)
  if (cmd !== CTRL_NEWFAMILY && cmd !== CTRL_DELFAMILY) return undefined
  const family = readFamily(message)
  if (cmd === CTRL_DELFAMILY) return { kind: 'gone', name: family.name }
  return { kind: message.seq === 0 ? 'new' : 'reply', family }
}

function readFamily({ view, bytes }: NlMessage): GenlFamily {
  const ops = new Map<number, number>()
  const groups = new Map<string, number>()
  const words = { id: 0, name: '', version: 0, headerSize: 0, maxAttr: 0 }
  eachAttr(view, NLMSG_HEADER + GENL_HEADER, bytes.length, (type, from, to) => {
    if (type === 1) words.id = u16(view, from, to)
    else if (type === 2) words.name = readText(view, from, to)
    else if (type === 3) words.version = u32(view, from, to)
    else if (type === 4) words.headerSize = u32(view, from, to)
    else if (type === 5) words.maxAttr = u32(view, from, to)
    else if (type === 6) {
      eachAttr(view, from, to, (_no, start, end) => {
        const op = readPair(view, start, end)
        ops.set(op.one, op.two)
      })
    } else if (type === 7) {
      eachAttr(view, from, to, (_no, start, end) => {
        const group = readPair(view, start, end)
        groups.set(group.text, group.two)
      })
    }
  })
  return { ...words, ops, groups }
}

/** An operation (1 id, 2 flags) or a group (1 name, 2 id). */
function readPair(view: DataView, from: number, to: number): { one: number; text: string; two: number } {
  const pair = { one: 0, text: '', two: 0 }
  eachAttr(view, from, to, (type, start, end) => {
    if (type === 2) pair.two = u32(view, start, end)
    if (type !== 1) return
    pair.text = readText(view, start, end)
    if (end - start === 4) pair.one = u32(view, start, end)
  })
  return pair
}

function u16(view: DataView, from: number, to: number): number {
  if (to - from < 2) throw malformed('attribute size', from)
  return view.getUint16(from, true)
}

function u32(view: DataView, from: number, to: number): number {
  if (to - from < 4) throw malformed('attribute size', from)
  return view.getUint32(from, true)
}

/** The answer of a kernel to `familyRequest`, for doubles of the kernel. */
export function writeFamilyReply(family: GenlFamily, seq: number): Uint8Array {
  const id = new Uint8Array(2)
  new DataView(id.buffer).setUint16(0, family.id, true)
  const ops = [...family.ops].map(([no, flags], at) =>
    writeAttr(at + 1, concat([writeAttr(1, u32Bytes(no)), writeAttr(2, u32Bytes(flags))])),
  )
  const groups = [...family.groups].map(([name, no], at) =>
    writeAttr(at + 1, concat([writeAttr(2, u32Bytes(no)), writeAttr(1, textBytes(name))])),
  )
  return genlMessage(
    { type: NLCTRL_ID, flags: 0, seq, cmd: CTRL_NEWFAMILY, version: 2 },
    concat([
      writeAttr(2, textBytes(family.name)),
      writeAttr(1, id),
      writeAttr(3, u32Bytes(family.version)),
      writeAttr(4, u32Bytes(family.headerSize)),
      writeAttr(5, u32Bytes(family.maxAttr)),
      writeAttr(6, concat(ops)),
      writeAttr(7, concat(groups)),
    ]),
  )
}
