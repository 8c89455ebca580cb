/** Asks again and again until the answer is the wanted one, or the deadline has passed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'

export interface UntilOptions {
  readonly signal: AbortSignal
  readonly deadlineMs: number
  readonly everyMs?: number
}

/** Gives the first answer of `ask` that is not undefined. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  options: UntilOptions,
): Promise<T> {
  const end = performance.now() + options.deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end)
      throw new AppError('DEADLINE_PASSED', `waited in vain: ${what}`, { deadlineMs: options.deadlineMs })
    await sleep(options.everyMs ?? 200, undefined, { signal: options.signal })
  }
}
