/** Takes keys from a queue to a reconciler: settled, again later, or failed and again with growing waits. */
import { backoffMs } from '#kit/backoff.ts'
import type { WorkQueue } from './workqueue.ts'

export type Outcome = { readonly kind: 'settled' } | { readonly kind: 'again'; readonly afterMs: number }
export const SETTLED: Outcome = { kind: 'settled' }

/**
 * Is given a key, reads everything it needs, never sees the event. May run at any time and twice in a row, and returns
 * an outcome instead of planning by itself.
 */
export interface Reconciler {
  readonly name: string
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>
}

export interface ControllerReport {
  settled(name: string, key: string): void
  failed(name: string, key: string, attempt: number, error: unknown): void
}

/** Ends with the signal, which is also the queue's. */
export async function runController(
  reconciler: Reconciler,
  queue: WorkQueue,
  report: ControllerReport,
  signal: AbortSignal,
): Promise<void> {
  const attempts = new Map<string, number>()
  for await (const key of queue) {
    try {
      const outcome = await reconciler.reconcile(key, signal)
      attempts.delete(key)
      report.settled(reconciler.name, key)
      if (outcome.kind === 'again') queue.addAfter(key, outcome.afterMs)
    } catch (error) {
      if (signal.aborted) return
      const attempt = (attempts.get(key) ?? 0) + 1
      attempts.set(key, attempt)
      report.failed(reconciler.name, key, attempt, error)
      queue.addAfter(key, backoffMs(attempt))
    } finally {
      queue.done(key)
    }
  }
}
