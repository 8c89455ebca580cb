/** Monotonic and wall time, and the only timers of the product. */
import { setTimeout as sleepFor } from 'node:timers/promises'

/** Milliseconds of CLOCK_MONOTONIC since an arbitrary start, never set back. All decisions use this one. */
export type MonoMs = number

export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  mono(): MonoMs
  /** Wall clock, for people and objects only; nothing is decided by it. */
  wall(): Date
  /** Ends after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  mono: () => Number(process.hrtime.bigint()) / 1e6,
  wall: () => new Date(),
  sleep: async (ms, signal) => {
    await sleepFor(ms, undefined, { signal })
  },
}
