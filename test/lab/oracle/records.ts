/** Reads the oracle's file: 256-byte records with a number and a checksum (see writer.mjs). Pure but for CRC-32. */
import { crc32 } from 'node:zlib'

export const RECORD_SIZE = 256
const BODY_SIZE = RECORD_SIZE - 9

export interface StoredRecord {
  readonly seq: number
  readonly writer: string
  readonly node: string
  readonly resource: string
  readonly crc: number
}

export interface RecordScan {
  /** By number; only whole records that stand at their own place. */
  readonly records: ReadonlyMap<number, StoredRecord>
  /** Places (numbers) below the last whole record that hold none. */
  readonly damaged: readonly number[]
  /** Bytes after the last whole record. */
  readonly tornBytes: number
}

/** The record at a place, or undefined when what stands there is not that record, whole. */
export function parseRecord(bytes: Buffer, seq: number): StoredRecord | undefined {
  if (bytes.length !== RECORD_SIZE || bytes[RECORD_SIZE - 1] !== 0x0a) return undefined
  const crc = crc32(bytes.subarray(0, BODY_SIZE))
  if (bytes.toString('latin1', BODY_SIZE, BODY_SIZE + 8) !== crc.toString(16).padStart(8, '0'))
    return undefined
  const [magic, number, writer, node, resource] = bytes.toString('latin1', 0, BODY_SIZE).trimEnd().split(' ')
  if (magic !== 'HWR1' || Number(number) !== seq) return undefined
  if (writer === undefined || node === undefined || resource === undefined) return undefined
  return { seq, writer, node, resource, crc }
}

export function scanRecords(file: Buffer): RecordScan {
  const places = Math.ceil(file.length / RECORD_SIZE)
  const records = new Map<number, StoredRecord>()
  for (let seq = 1; seq <= places; seq++) {
    const record = parseRecord(file.subarray((seq - 1) * RECORD_SIZE, seq * RECORD_SIZE), seq)
    if (record) records.set(seq, record)
  }
  const last = Math.max(0, ...records.keys())
  const damaged = Array.from({ length: last }, (_, index) => index + 1).filter(seq => !records.has(seq))
  return { records, damaged, tornBytes: file.length - last * RECORD_SIZE }
}
