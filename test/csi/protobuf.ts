/** The little of the protobuf encoding that CSI's messages need: strings, booleans, numbers, nested messages. */
import { AppError } from '#kit/errors.ts'

export type FieldValue = string | bigint | Buffer

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** All fields by number, in the order in which they came; nested messages and strings are bytes. */
export function readFields(message: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw malformed(at)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw malformed(at)
  }
  const bytes = (length: number) => {
    if (length > message.length - at) throw malformed(at)
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = Number(varint())
    const kind = tag & 7
    const value = readValue(kind, varint, bytes, at)
    const number = tag >>> 3
    fields.set(number, [...(fields.get(number) ?? []), value])
  }
  return fields
}

function readValue(
  kind: number,
  varint: () => bigint,
  bytes: (length: number) => Buffer,
  at: number,
): bigint | Buffer {
  if (kind === VARINT) return varint()
  if (kind === BYTES) return bytes(Number(varint()))
  if (kind === FIXED64) return bytes(8)
  if (kind === FIXED32) return bytes(4)
  throw malformed(at)
}

/** A message from (number, value) pairs: strings and bytes are length-delimited, numbers are varints. */
export function writeFields(fields: readonly (readonly [number, FieldValue])[]): Buffer {
  const parts: Buffer[] = []
  for (const [number, value] of fields) {
    if (typeof value === 'bigint') {
      parts.push(writeVarint(BigInt(number << 3) | BigInt(VARINT)), writeVarint(value))
      continue
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    parts.push(writeVarint(BigInt(number << 3) | BigInt(BYTES)), writeVarint(BigInt(bytes.length)), bytes)
  }
  return Buffer.concat(parts)
}

function writeVarint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function malformed(at: number): AppError {
  return new AppError('WIRE_MALFORMED', 'a protobuf message is cut short or has an unknown field kind', {
    at,
  })
}
