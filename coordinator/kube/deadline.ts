/** A signal that ends with its parent or after a time, and leaves neither timer nor listener behind. */

export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** `AbortSignal.timeout` would keep its timer, and all that hangs on it, until the time has passed. */
export function openDeadline(parent: AbortSignal, ms: number): Deadline {
  const own = new AbortController()
  const end = (): void => own.abort(parent.reason)
  const timer = setTimeout(() => own.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError')), ms)
  if (parent.aborted) end()
  else parent.addEventListener('abort', end, { once: true })
  return {
    signal: own.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      parent.removeEventListener('abort', end)
    },
  }
}
