/** Which requests arrived, so that a test can say "exactly one delete call for this pod". */
import type { Verb } from './route.ts'

export interface LoggedRequest {
  /** Milliseconds of the monotonic clock of this process (performance.now). */
  readonly atMs: number
  readonly user: string
  readonly address: string
  readonly verb: Verb | 'other'
  /** `pods`, `pods/eviction`; the whole path of what is no resource. */
  readonly resource: string
  readonly group: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly query: string
  readonly contentType: string
  readonly body: unknown
  /** Undefined while it is being answered; 0 when it never was (dropped, hung up). */
  code: number | undefined
}

export interface RequestFilter {
  readonly user?: string | RegExp
  readonly address?: string
  readonly verb?: LoggedRequest['verb'] | readonly LoggedRequest['verb'][]
  readonly resource?: string | RegExp
  readonly namespace?: string
  readonly name?: string | RegExp
  readonly code?: number
}

function fits(value: string | undefined, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return true
  if (value === undefined) return false
  return typeof wanted === 'string' ? value === wanted : wanted.test(value)
}

export type Described = Pick<
  LoggedRequest,
  'user' | 'address' | 'verb' | 'resource' | 'namespace' | 'name' | 'code'
>

export function matches(request: Described, filter: RequestFilter): boolean {
  const verbs = filter.verb === undefined ? undefined : [filter.verb].flat()
  return (
    fits(request.user, filter.user) &&
    fits(request.address, filter.address) &&
    fits(request.resource, filter.resource) &&
    fits(request.namespace, filter.namespace) &&
    fits(request.name, filter.name) &&
    (verbs?.includes(request.verb) ?? true) &&
    (filter.code === undefined || request.code === filter.code)
  )
}

const LIMIT = 100_000

export class RequestLog {
  #entries: LoggedRequest[] = []
  readonly #listeners = new Set<(request: LoggedRequest) => void>()

  add(request: LoggedRequest): void {
    this.#entries.push(request)
    if (this.#entries.length > LIMIT) this.#entries.splice(0, LIMIT / 2)
    for (const listener of this.#listeners) listener(request)
  }

  /** Requests in the order of their arrival. */
  list(filter: RequestFilter = {}): LoggedRequest[] {
    return this.#entries.filter(entry => matches(entry, filter))
  }

  count(filter: RequestFilter = {}): number {
    return this.list(filter).length
  }

  /** `user verb resource` → how often. */
  counts(filter: RequestFilter = {}): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { user, verb, resource } of this.list(filter)) {
      const key = `${user} ${verb} ${resource}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }

  clear(): void {
    this.#entries = []
  }

  /** Called as each request arrives; returns how to stop. */
  subscribe(listener: (request: LoggedRequest) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}
