/** A clock that moves only when a test says so. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '#kit/clock.ts'

export interface ManualClock extends Clock {
  /** Goes on by `ms`, waking sleepers in the order of their times, with time between for what they do. */
  advance(ms: number): Promise<void>
  readonly sleepers: number
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** `wallMs` is the wall clock at the start. */
export function manualClock(wallMs = Date.UTC(2030, 0, 1)): ManualClock {
  let now = 1_000
  const sleepers = new Set<Sleeper>()
  return {
    mono: () => now,
    wall: () => new Date(wallMs + now - 1_000),
    async sleep(ms, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { at: now + ms, wake: resolve }
      const stop = (): void => reject(signal.reason)
      sleepers.add(sleeper)
      signal.addEventListener('abort', stop, { once: true })
      try {
        await promise
      } finally {
        sleepers.delete(sleeper)
        signal.removeEventListener('abort', stop)
      }
    },
    async advance(ms) {
      const end = now + ms
      await turn()
      for (;;) {
        const next = [...sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        now = Math.max(now, next.at)
        next.wake()
        await turn()
      }
      now = end
      await turn()
    },
    get sleepers() {
      return sleepers.size
    },
  }
}
