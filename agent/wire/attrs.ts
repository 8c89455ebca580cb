/** Netlink attributes: runs, nests, and blocks read and written by a table of their fields. */
import { align4, malformed, viewOf } from './nlmsg.ts'

/** Bits 14 and 15 are marks (DRBD's "mandatory" and "nested"), not part of the number. */
const TYPE_MASK = 0x3fff
const NESTED = 0x8000

/** `strs` and `bins` are fields that occur several times in one nest. */
export type FieldKind = 'u32' | 's32' | 'u64' | 'flg' | 'str' | 'bin' | 'strs' | 'bins'
export type Fields = Readonly<Record<number, readonly [name: string, kind: FieldKind]>>

export interface BlockTable<F extends Fields = Fields> {
  readonly no: number
  readonly name: string
  readonly fields: F
}

interface Values {
  u32: number
  s32: number
  u64: bigint
  flg: boolean
  str: string
  bin: Uint8Array
  strs: readonly string[]
  bins: readonly Uint8Array[]
}

type FieldOf<F extends Fields> = F[Extract<keyof F, number>]

/** The value that a table describes: every field may be absent, the kernel leaves out what it does not know. */
export type BlockValue<T extends BlockTable> = {
  readonly [P in FieldOf<T['fields']> as P[0]]?: Values[P[1]]
}

export function block<const N extends string, const F extends Fields>(no: number, name: N, fields: F) {
  return { no, name, fields }
}

/** Calls `each` for every attribute between two offsets; type 0 is padding and left out. */
export function eachAttr(
  view: DataView,
  start: number,
  end: number,
  each: (type: number, from: number, to: number) => void,
): void {
  for (let at = start; at < end; ) {
    if (end - at < 4) throw malformed('attribute header', at, { have: end - at })
    const length = view.getUint16(at, true)
    if (length < 4 || length > end - at) throw malformed('attribute length', at, { length })
    const type = view.getUint16(at + 2, true) & TYPE_MASK
    if (type !== 0) each(type, at + 4, at + length)
    at += align4(length)
  }
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Text up to its first NUL. */
export function readText(view: DataView, from: number, to: number): string {
  let end = from
  while (end < to && view.getUint8(end) !== 0) end++
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + from, end - from))
}

function need(size: number, from: number, to: number, name: string): void {
  if (to - from !== size)
    throw malformed('attribute size', from, { field: name, have: to - from, want: size })
}

function readField(
  kind: FieldKind,
  view: DataView,
  from: number,
  to: number,
  name: string,
): Values[FieldKind] {
  switch (kind) {
    case 'u32':
      need(4, from, to, name)
      return view.getUint32(from, true)
    case 's32':
      need(4, from, to, name)
      return view.getInt32(from, true)
    case 'u64':
      need(8, from, to, name)
      return view.getBigUint64(from, true)
    case 'flg':
      need(1, from, to, name)
      return view.getUint8(from) !== 0
    case 'str':
    case 'strs':
      return readText(view, from, to)
    default:
      // A copy: the buffer below belongs to the reader of the socket.
      return new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice()
  }
}

/** The attributes of one nest as an object; numbers that the table lacks are named in `unknown`. */
export function readBlock<T extends BlockTable>(
  table: T,
  view: DataView,
  from: number,
  to: number,
  unknown: string[],
): BlockValue<T> {
  const value: Record<string, Values[FieldKind]> = {}
  eachAttr(view, from, to, (type, start, end) => {
    const field = table.fields[type]
    if (field === undefined) {
      unknown.push(`${table.name}.${type}`)
      return
    }
    const [name, kind] = field
    const one = readField(kind, view, start, end, name)
    if (kind === 'strs' || kind === 'bins') {
      const list = value[name] as (string | Uint8Array)[] | undefined
      if (list === undefined) value[name] = [one] as readonly string[]
      else list.push(one as string | Uint8Array)
    } else value[name] = one
  })
  return value as BlockValue<T>
}

/** One attribute with its header and padding. */
export function writeAttr(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align4(4 + payload.length))
  const view = viewOf(bytes)
  view.setUint16(0, 4 + payload.length, true)
  view.setUint16(2, type, true)
  bytes.set(payload, 4)
  return bytes
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function textBytes(text: string): Uint8Array {
  return encoder.encode(`${text}\0`)
}

export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value >>> 0, true)
  return bytes
}

function fieldBytes(kind: FieldKind, value: Values[FieldKind]): Uint8Array {
  switch (kind) {
    case 'u32':
    case 's32':
      return u32Bytes(value as number)
    case 'u64': {
      const bytes = new Uint8Array(8)
      viewOf(bytes).setBigUint64(0, value as bigint, true)
      return bytes
    }
    case 'flg':
      return Uint8Array.of(value ? 1 : 0)
    case 'str':
    case 'strs':
      return textBytes(value as string)
    default:
      return value as Uint8Array
  }
}

/** A nest with its fields in the order of their numbers; lists take turns (1, 2, 1, 2, …), as path lists demand. */
export function writeBlock<T extends BlockTable>(table: T, value: BlockValue<T>): Uint8Array {
  const given = value as Readonly<Record<string, Values[FieldKind] | undefined>>
  const parts: Uint8Array[] = []
  const lists: [number, FieldKind, readonly (string | Uint8Array)[]][] = []
  for (const [no, [name, kind]] of Object.entries(table.fields)) {
    const one = given[name]
    if (one === undefined) continue
    if (kind === 'strs' || kind === 'bins') lists.push([Number(no), kind, one as readonly string[]])
    else parts.push(writeAttr(Number(no), fieldBytes(kind, one)))
  }
  const longest = Math.max(0, ...lists.map(([, , list]) => list.length))
  for (let turn = 0; turn < longest; turn++) {
    for (const [no, kind, list] of lists) {
      const one = list[turn]
      if (one !== undefined) parts.push(writeAttr(no, fieldBytes(kind, one)))
    }
  }
  // The kernel refuses a request whose nests lack the mark (EINVAL, strict validation).
  return writeAttr(table.no | NESTED, concat(parts))
}
