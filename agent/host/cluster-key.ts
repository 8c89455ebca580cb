/** The cluster key: read once, turned into the function that authenticates datagrams. */
import { createHmac } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'

const LEAST_BYTES = 32
const MOST_BYTES = 4096

/** HMAC-SHA256 under the key in the file; throws AppError KEY_INVALID. */
export function readClusterKey(path: string): (bytes: Uint8Array) => Uint8Array {
  let key: Buffer
  try {
    if (statSync(path).size > MOST_BYTES) throw new RangeError('too large')
    key = readFileSync(path)
  } catch (cause) {
    throw new AppError('KEY_INVALID', 'the cluster key cannot be read', { path }, cause)
  }
  if (key.length < LEAST_BYTES)
    throw new AppError('KEY_INVALID', 'the cluster key is too short', { path, bytes: key.length })
  return bytes => createHmac('sha256', key).update(bytes).digest()
}
