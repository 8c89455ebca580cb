/** Start and stop order of a process: parts one after the other, the last one started stops first. */
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
 * next has ended, all within `stopMs`. Throws what a part threw.
 */
export async function runParts(
  parts: readonly Part[],
  report: ManagerReport,
  stopMs: number,
  signal: AbortSignal,
): Promise<void> {
  const running: { readonly name: string; readonly stop: AbortController; readonly ended: Promise<void> }[] =
    []
  const failed = new AbortController()
  const over = AbortSignal.any([signal, failed.signal])
  let fault: unknown

  for (const part of parts) {
    if (over.aborted) break
    const stop = new AbortController()
    const ended = part.run(stop.signal).then(
      () => {
        if (!stop.signal.aborted) throw new Error(`part ${part.name} ended by itself`)
      },
      error => {
        if (!stop.signal.aborted) throw error
      },
    )
    running.push({
      name: part.name,
      stop,
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
  const deadline = AbortSignal.timeout(stopMs)
  for (const part of running.reverse()) {
    part.stop.abort(over.reason)
    await Promise.race([part.ended, aborted(deadline)])
    if (deadline.aborted)
      throw new AppError('DEADLINE_PASSED', 'a part did not stop in time', { part: part.name }, fault)
    report.stopped(part.name)
  }
  if (fault !== undefined) throw fault
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
