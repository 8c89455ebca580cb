/** The wait before attempt n of something that failed. */

/** Milliseconds before attempt `attempt` (1 = first repeat): doubles from `firstMs`, never above `capMs`. */
export function backoffMs(attempt: number, firstMs = 250, capMs = 30_000): number {
  return Math.min(capMs, firstMs * 2 ** Math.max(0, Math.min(attempt - 1, 30)))
}
