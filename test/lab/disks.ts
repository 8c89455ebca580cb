/** Disk images of a guest: empty sparse ones, copies of given ones, and the small one that keeps the agent's files. */
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { run } from './run.ts'

/** Size words of the command line: 1G, 512M, 64K or bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+)([KMGT]?)$/.exec(text)
  if (!match) throw new RangeError(`not a size: ${text}`)
  return Number(match[1]) * 1024 ** ' KMGT'.indexOf(match[2] || ' ')
}

export function makeEmptyDisk(file: string, size: string): void {
  const fd = openSync(file, 'w')
  try {
    ftruncateSync(fd, parseSize(size))
  } finally {
    closeSync(fd)
  }
}

export async function copyDisk(from: string, to: string): Promise<void> {
  await run(['cp', '--sparse=always', '--reflink=auto', from, to], { deadlineMs: 120_000 })
}

/** /var/lib/hawser of the guest: what an agent must find again after a reboot. */
export async function makeStateDisk(file: string): Promise<void> {
  makeEmptyDisk(file, '16M')
  await run(['mkfs.ext4', '-q', '-F', file])
}
