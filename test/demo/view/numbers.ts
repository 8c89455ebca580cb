/** Numbers for people: thousands apart, signs, durations. Pure. */

/** 12345 → "12 345" (a no-break space, so that nothing ever wraps inside a number). */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, '\u00a0')
}

/** "+8 512 ms", right aligned in `size` columns. */
export function sinceFault(ms: number, size = 0): string {
  return `${ms < 0 ? '−' : '+'}${grouped(Math.abs(ms))}\u00a0ms`.padStart(size)
}

/** How long ago, in a form that does not flicker: "now", "0.8 s", "12 s". */
export function ago(ms: number): string {
  if (ms < 500) return 'now'
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s ago` : `${grouped(ms / 1000)} s ago`
}
