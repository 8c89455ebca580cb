/** One small file that survives a restart: replaced as a whole, durable before the call returns. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'

const LIMIT = 1 << 20

export interface StateFile {
  /** The text, or undefined when there is none yet. */
  read(): string | undefined
  /** Synchronous on purpose: what it holds must be on disk before the next datagram leaves, and the thread pool may be busy. */
  write(text: string): void
}

export function openStateFile(dir: string, name: string): StateFile {
  const path = join(dir, name)
  return {
    read() {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined) return undefined
      if (found.size > LIMIT)
        throw new AppError('CONFIG_INVALID', 'a state file is too large to be ours', { path, limit: LIMIT })
      return readFileSync(path, 'utf8')
    },
    write(text) {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      const next = `${path}.next`
      const fd = openSync(next, 'w', 0o600)
      try {
        writeSync(fd, text)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(next, path)
      const folder = openSync(dir, 'r')
      try {
        fsyncSync(folder)
      } finally {
        closeSync(folder)
      }
    },
  }
}
