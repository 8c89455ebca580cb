/** Start and stop order of a process: parts one after the other, the last one started stops first. */
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'

/**
 * A part of the process. `run` ends with its signal, or never; an earlier end is a fault of the whole. The next part
 * starts when `ready` is settled.
 */
export interface Part {
  readonly name: string
  run(signal: AbortSignal): Promise<void>
  ready?(signal: AbortSignal): Promise<void>
}

export interface ManagerReport {
  started(part: string): void
  stopped(part: string): void
}

/**
 * Starts the parts in order and runs until `signal` ends or a part fails; then stops them in reverse, each one after the
 * next has ended, all within `withinMs`. Throws what a part threw.
 */
export async function runParts(
  parts: readonly Part[],
  report: ManagerReport,
  stop: { readonly withinMs: number; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const running: { readonly name: string; readonly stop: AbortController; readonly ended: Promise<void> }[] =
    []
  const failed = new AbortController()
  const over = AbortSignal.any([signal, failed.signal])
  let fault: unknown

  for (const part of parts) {
    if (over.aborted) break
    const own = new AbortController()
    const ended = part.run(own.signal).then(
      () => {
        if (!own.signal.aborted) throw new Error(`part ${part.name} ended by itself`)
      },
      error => {
        if (!own.signal.aborted) throw error
      },
    )
    running.push({
      name: part.name,
      stop: own,
      ended: ended.catch(error => {
        fault ??= error
        failed.abort(error)
      }),
    })
    report.started(part.name)
    await part.ready?.(over).catch(error => {
      if (over.aborted) return
      fault ??= error
      failed.abort(error)
    })
  }

  await aborted(over)
  const stopped = new AbortController()
  const tooLate = stop.clock.sleep(stop.withinMs, stopped.signal).then(
    () => 'late' as const,
    () => 'in time' as const,
  )
  try {
    for (const part of running.reverse()) {
      part.stop.abort(over.reason)
      if ((await Promise.race([part.ended, tooLate])) === 'late')
        throw new AppError('DEADLINE_PASSED', 'a part did not stop in time', { part: part.name }, fault)
      report.stopped(part.name)
    }
  } finally {
    stopped.abort()
  }
  if (fault !== undefined) throw fault
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
