/** The ordered queue between the edges and the loop, with one wake-up time. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, MonoMs } from '#kit/clock.ts'

/** Bounded: when it is full the newest event is refused, and the loop is told so that it can read everything again. */
export interface Inbox<Event> {
  post(event: Event): void
  /** Asks for an empty batch at this time at the latest; a later call replaces an earlier one. */
  wakeAt(at: MonoMs | undefined): void
  /** Everything that came since the last turn; empty when only time has passed. */
  batches(signal: AbortSignal): AsyncGenerator<readonly Event[]>
}

export function openInbox<Event>(
  clock: Clock,
  limit: number,
  overflow: (dropped: number) => Event,
): Inbox<Event> {
  let waiting: Event[] = []
  let dropped = 0
  let due: MonoMs | undefined
  let timer: NodeJS.Timeout | undefined
  let wake: (() => void) | undefined

  const arm = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (due === undefined || wake === undefined) return
    const inMs = Math.max(0, due - clock.mono())
    timer = setTimeout(() => wake?.(), Math.min(inMs, 2_000_000_000))
  }

  return {
    post(event) {
      if (waiting.length >= limit) dropped += 1
      else waiting.push(event)
      wake?.()
    },
    wakeAt(at) {
      due = at
      arm()
    },
    async *batches(signal) {
      const stop = (): void => wake?.()
      signal.addEventListener('abort', stop)
      try {
        while (!signal.aborted) {
          if (waiting.length === 0 && dropped === 0 && !(due !== undefined && clock.mono() >= due)) {
            await new Promise<void>(resolve => {
              wake = resolve
              arm()
            })
            wake = undefined
          } else {
            // Events may come in faster than they are worked off, or a time may have passed that is asked for again:
            // sockets and timers must have their turn all the same.
            await turn()
          }
          if (signal.aborted) return
          const batch = waiting
          waiting = []
          if (dropped > 0) batch.push(overflow(dropped))
          dropped = 0
          due = undefined
          yield batch
        }
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
      }
    },
  }
}
