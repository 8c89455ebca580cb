/** Netlink framing: the messages of a datagram, and a datagram of one message. Host byte order is little endian. */
import { AppError } from '#kit/errors.ts'

export const NLM_F_REQUEST = 1
export const NLM_F_ACK = 4
/** The objects changed while they were dumped: the answer is not one moment's truth. */
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP = 0x300

export const NLMSG_NOOP = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4

export const NLMSG_HEADER = 16

/** One message, its bytes not copied: valid until the buffer is read into again. */
export interface NlMessage {
  readonly type: number
  readonly flags: number
  readonly seq: number
  readonly pid: number
  /** The whole message with its header, so that offsets in errors can be found in a recording. */
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** The one way of this folder to refuse bytes. */
export function malformed(
  what: string,
  offset: number,
  fields: Readonly<Record<string, unknown>> = {},
): AppError {
  return new AppError('WIRE_MALFORMED', 'bytes do not have the form of their protocol', {
    what,
    offset,
    ...fields,
  })
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export const align4 = (length: number): number => (length + 3) & ~3

/** All messages of a datagram; dumps put several into one. */
export function readNlMessages(datagram: Uint8Array): NlMessage[] {
  const view = viewOf(datagram)
  const messages: NlMessage[] = []
  for (let at = 0; at < datagram.length; ) {
    if (at + NLMSG_HEADER > datagram.length)
      throw malformed('netlink header', at, { have: datagram.length - at })
    const length = view.getUint32(at, true)
    if (length < NLMSG_HEADER || length > datagram.length - at)
      throw malformed('netlink length', at, { length })
    const bytes = datagram.subarray(at, at + length)
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      pid: view.getUint32(at + 12, true),
      bytes,
      view: viewOf(bytes),
    })
    at += align4(length)
  }
  return messages
}

export function writeNlMessage(
  header: { readonly type: number; readonly flags: number; readonly seq: number },
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(NLMSG_HEADER + payload.length)
  const view = viewOf(bytes)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, header.type, true)
  view.setUint16(6, header.flags, true)
  view.setUint32(8, header.seq, true)
  bytes.set(payload, NLMSG_HEADER)
  return bytes
}

/** The errno in NLMSG_ERROR (0 = an acknowledgement) or NLMSG_DONE, as a positive number. */
export function readNlErrno(message: NlMessage): number {
  if (message.bytes.length < NLMSG_HEADER + 4) {
    if (message.type === NLMSG_DONE) return 0
    throw malformed('netlink error', NLMSG_HEADER)
  }
  return -message.view.getInt32(NLMSG_HEADER, true)
}

/** Sequence numbers wrap: how far `seq` is ahead of `base`, negative when behind. */
export function seqAhead(seq: number, base: number): number {
  return (seq - base) | 0
}
