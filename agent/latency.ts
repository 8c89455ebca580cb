/** How long kernel events wait until what follows from them has begun: the last ones, as percentiles. */
import type { MonoMs } from '#kit/clock.ts'
import type { NodeEvent } from './state/events.ts'

export interface Latency {
  /** Once a turn, after its effects have begun. */
  note(batch: readonly NodeEvent[], now: MonoMs): void
  /** Of the last events of DRBD; undefined while there was none. */
  figures():
    | { readonly count: number; readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
    | undefined
}

const KEPT = 1000

export function openLatency(): Latency {
  const last: number[] = []
  let next = 0
  return {
    note(batch, now) {
      for (const event of batch) {
        if (event.kind !== 'drbd-batch') continue
        last[next] = now - event.at
        next = (next + 1) % KEPT
      }
    },
    figures() {
      if (last.length === 0) return undefined
      const sorted = [...last].sort((left, right) => left - right)
      const at = (part: number): number =>
        round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
      return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
    },
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
