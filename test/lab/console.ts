/** What a guest's console says: its last lines, and why it reset itself or died. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const TAIL_BYTES = 16_384

/** The last lines of a console log, without control characters; none when there is no log. */
export function lastLines(file: string, count = 200): string[] {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return []
  }
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(fd, bytes, 0, bytes.length, size - bytes.length)
    const lines = bytes
      .toString('latin1')
      .replaceAll(/[^\n\x20-\x7e]/g, '')
      .split('\n')
    return lines.filter(line => line.trim() !== '').slice(-count)
  } finally {
    closeSync(fd)
  }
}

/** Separates the boots in one log. */
export const BOOT_LINE = 'lab: ---- boot'

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/softdog: Initiating system reboot/, 'watchdog'],
  [/sysrq: Resetting/, 'sysrq'],
  [/Kernel panic - not syncing: (.*)/, 'panic'],
  [/reboot: Restarting system/, 'reboot'],
  [/failed to select tap interface/, 'restarted in the same process'],
]

function lastBoot(lines: readonly string[]): readonly string[] {
  return lines.slice(lines.findLastIndex(line => line.startsWith(BOOT_LINE)) + 1)
}

/** What stands last on the console of the last boot; PID 1's own words count more than the kernel's. */
export function lastWord(lines: readonly string[]): string {
  const boot = lastBoot(lines)
  return (boot.findLast(line => line.startsWith('lab: ')) ?? boot.at(-1) ?? 'nothing on the console').slice(
    0,
    200,
  )
}

/** Why the guest ended, from the console of its last boot; its last line when nothing known stands there. */
export function whyEnded(lines: readonly string[]): string {
  const boot = lastBoot(lines)
  for (const [pattern, word] of REASONS) {
    const line = boot.find(text => pattern.test(text))
    if (line !== undefined) return word === 'panic' ? `panic: ${pattern.exec(line)?.[1]}` : word
  }
  return boot.at(-1) ?? 'nothing on the console'
}

/** A console that announces a reset: the process should be gone a moment later. */
export function announcesReset(lines: readonly string[]): boolean {
  const boot = lines.slice(lines.findLastIndex(line => line.startsWith(BOOT_LINE)) + 1)
  return boot.some(line => REASONS.some(([pattern]) => pattern.test(line)))
}
