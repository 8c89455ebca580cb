/** Finds and ends processes that a test started and left behind, also those that made a session of their own. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Every process that a test starts inherits this variable. Its value is a path: the run, then the file; a runner
 * that is itself under test adds to the path it was given, so that the outer one finds those processes too.
 */
export const MARK = 'HAWSER_TEST_RUN'

export interface Stray {
  readonly pid: number
  readonly name: string
}

/** Processes whose environment at their start carried the mark. Zombies have none, so they do not count. */
export function findMarked(mark: string): Stray[] {
  const wanted = `${MARK}=${mark}`
  const strays: Stray[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const environment = readProc(`/proc/${entry}/environ`).split('\0')
    if (!environment.some(line => line === wanted || line.startsWith(`${wanted}/`))) continue
    strays.push({ pid: Number(entry), name: readProc(`/proc/${entry}/comm`).trim() })
  }
  return strays
}

/** Empty when the process has gone or belongs to somebody else. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** Waits `graceMs` for marked processes to end, then ends them; gives those that had to be ended. */
export async function endStrays(mark: string, graceMs: number): Promise<readonly Stray[]> {
  const left = await waitUntilGone(mark, graceMs)
  for (const [signal, waitMs] of [
    ['SIGTERM', 2_000],
    ['SIGKILL', 1_000],
    ['SIGKILL', 1_000],
  ] as const) {
    for (const { pid } of findMarked(mark)) signalProcess(pid, signal)
    if ((await waitUntilGone(mark, waitMs)).length === 0) break
  }
  return left
}

/** What is left after at most `waitMs`. */
async function waitUntilGone(mark: string, waitMs: number): Promise<readonly Stray[]> {
  const until = performance.now() + waitMs
  let strays = findMarked(mark)
  while (strays.length > 0 && performance.now() < until) {
    await sleep(50)
    strays = findMarked(mark)
  }
  return strays
}

/** A negative pid means its process group. False when there is none any more. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
