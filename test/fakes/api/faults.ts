/** Faults that a test asks for: which requests they hit, and what happens to those. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiFault, tooManyRequests } from './fault-status.ts'
import { type Described, matches, type RequestFilter } from './request-log.ts'

export type FaultAction =
  /** Waits first, then does what was asked. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Answers with an error and does nothing. */
  | {
      readonly kind: 'error'
      readonly code: 401 | 403 | 409 | 410 | 429 | 500 | 503 | 504
      readonly retryAfterS?: number
    }
  /** Does nothing and closes the connection. */
  | { readonly kind: 'drop' }
  /** Does what was asked and closes the connection instead of answering: the client cannot know. */
  | { readonly kind: 'drop-answer' }
  /** Does nothing and never answers. */
  | { readonly kind: 'hang' }

export interface ActiveFault extends Disposable {
  /** How many requests it has hit so far. */
  readonly hits: number
  remove(): void
}

interface Entry {
  readonly filter: RequestFilter
  readonly action: FaultAction
  left: number
  hits: number
}

const TEXT: Readonly<Record<number, readonly [reason: string | undefined, message: string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden on demand of the test'],
  409: ['Conflict', 'Operation cannot be fulfilled: conflict on demand of the test'],
  410: ['Expired', 'too old resource version: on demand of the test'],
  500: ['InternalError', 'Internal error occurred: on demand of the test'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
}

/** What the connection does in the end. */
export type Fate = 'answer' | 'drop' | 'drop-answer' | 'hang'

export class Faults {
  #entries: Entry[] = []

  /** Hits every matching request, or the next `times` of them, until it is removed. */
  add(filter: RequestFilter, action: FaultAction, times = Number.POSITIVE_INFINITY): ActiveFault {
    const entry: Entry = { filter, action, left: times, hits: 0 }
    this.#entries.push(entry)
    const remove = (): void => {
      this.#entries = this.#entries.filter(each => each !== entry)
    }
    return {
      get hits() {
        return entry.hits
      },
      remove,
      [Symbol.dispose]: remove,
    }
  }

  clear(): void {
    this.#entries = []
  }

  /** Suffers every fault that matches, in the order in which they were asked for. */
  async suffer(request: Described, signal: AbortSignal): Promise<Fate> {
    let fate: Fate = 'answer'
    for (const entry of [...this.#entries]) {
      if (entry.left <= 0 || !matches(request, entry.filter)) continue
      entry.left -= 1
      entry.hits += 1
      const { action } = entry
      if (action.kind === 'delay') await sleep(action.ms, undefined, { signal })
      else if (action.kind === 'error') throw errorOf(action.code, action.retryAfterS)
      else if (action.kind === 'drop' || action.kind === 'hang') return action.kind
      else fate = 'drop-answer'
    }
    return fate
  }
}

function errorOf(code: number, retryAfterS: number | undefined): ApiFault {
  if (code === 429) return tooManyRequests('Too many requests, please try again later.', retryAfterS ?? 1)
  const [reason, message] = TEXT[code] ?? [undefined, 'error on demand of the test']
  return new ApiFault(
    code,
    reason,
    message,
    retryAfterS === undefined ? undefined : { retryAfterSeconds: retryAfterS },
  )
}
