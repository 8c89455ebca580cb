/** The node around a privileged pod with hostPID: its mount table, and its own programs. */
import { readFile } from 'node:fs/promises'
import { type ProgramResult, runProgram } from '../cluster/program.ts'

/** The little of a node that the plugin needs. */
export interface NodeHost {
  run(argv: readonly string[], deadlineMs: number, signal: AbortSignal): Promise<ProgramResult>
  /** Which device is mounted where. */
  readMounts(): Promise<ReadonlyMap<string, string>>
}

export const podHost: NodeHost = {
  run: (argv, deadlineMs, signal) =>
    runProgram(['/bin/nsenter', '-t', '1', '-m', '--', ...argv], { deadlineMs, signal }),
  readMounts: async () => parseMounts(await readFile('/proc/1/mountinfo', 'utf8')),
}

/** /proc/PID/mountinfo → device by mount point; the last one mounted over a point counts. */
export function parseMounts(text: string): Map<string, string> {
  const mounts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4]
    const device = after.split(' ')[1]
    if (point !== undefined && device !== undefined) mounts.set(unescapeMount(point), unescapeMount(device))
  }
  return mounts
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
