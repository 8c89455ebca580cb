/** Keys that need a look: each at most once, never one that is being worked on, some of them later. */
import type { Clock } from '#kit/clock.ts'

export interface WorkQueue extends AsyncIterable<string> {
  /** Soon. While the key is worked on, it is remembered and given out once more afterwards. */
  add(key: string): void
  /** Not before `afterMs`, unless something adds it sooner; of two times the earlier counts. */
  addAfter(key: string, afterMs: number): void
  /** The worker has ended its work on a key that it was given. */
  done(key: string): void
}

/** Ends its iterators with the signal. May have several of them: each key goes to one. */
export function createWorkQueue(clock: Clock, signal: AbortSignal): WorkQueue {
  const ready = new Set<string>()
  const working = new Set<string>()
  /** Added while being worked on. */
  const again = new Set<string>()
  const due = new Map<string, number>()
  let wake = Promise.withResolvers<void>()

  const rouse = (): void => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  const add = (key: string): void => {
    due.delete(key)
    if (working.has(key)) again.add(key)
    else ready.add(key)
    rouse()
  }
  const promote = (now: number): void => {
    for (const [key, at] of due) if (at <= now) add(key)
  }
  const nextDueMs = (now: number): number | undefined =>
    due.size === 0 ? undefined : Math.max(1, Math.min(...due.values()) - now)

  async function* keys(): AsyncGenerator<string> {
    while (!signal.aborted) {
      promote(clock.mono())
      const [key] = ready
      if (key === undefined) {
        await pause(nextDueMs(clock.mono()))
        continue
      }
      ready.delete(key)
      working.add(key)
      yield key
    }
  }

  /** Until something is added or `ms` have passed. */
  async function pause(ms: number | undefined): Promise<void> {
    const ended = new AbortController()
    const ends = AbortSignal.any([signal, ended.signal])
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    const stop = (): void => resolve()
    signal.addEventListener('abort', stop, { once: true })
    const timed = ms === undefined ? [] : [clock.sleep(ms, ends).catch(() => undefined)]
    await Promise.race([wake.promise, stopped, ...timed])
    signal.removeEventListener('abort', stop)
    ended.abort()
  }

  return {
    add,
    addAfter(key, afterMs) {
      // It will have a look sooner anyway; that look decides anew.
      if (ready.has(key) || again.has(key)) return
      const at = clock.mono() + Math.max(0, afterMs)
      due.set(key, Math.min(at, due.get(key) ?? Number.POSITIVE_INFINITY))
      rouse()
    },
    done(key) {
      working.delete(key)
      if (!again.delete(key)) return
      ready.add(key)
      rouse()
    },
    [Symbol.asyncIterator]: keys,
  }
}
