/** What a test can do to the server and ask of it, beside the API. */
import type { User } from './auth.ts'
import type { Connections } from './connections.ts'
import type { ActiveFault, FaultAction, Faults } from './faults.ts'
import type { RequestFilter, RequestLog } from './request-log.ts'
import { matches } from './request-log.ts'
import { type Route, resourceWord } from './route.ts'
import type { Store } from './store.ts'
import type { RunningWatch } from './watch.ts'

interface Parts {
  readonly store: Store
  readonly log: RequestLog
  readonly faults: Faults
  readonly connections: Connections
  readonly watches: ReadonlySet<RunningWatch>
}

export class ApiControl {
  readonly log: RequestLog
  readonly #parts: Parts
  readonly #denied = new Set<RequestFilter>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.log = parts.log
  }

  /** Every matching request suffers `action`, or only the next `times`. */
  fault(filter: RequestFilter, action: FaultAction, times?: number): ActiveFault {
    return this.#parts.faults.add(filter, action, times)
  }

  clearFaults(): void {
    this.#parts.faults.clear()
  }

  /** Refuses matching requests with 403 until disposed. */
  deny(filter: RequestFilter): Disposable {
    this.#denied.add(filter)
    return { [Symbol.dispose]: () => this.#denied.delete(filter) }
  }

  allows(user: User, route: Route): boolean {
    const { verb, namespace, name } = route
    const request = {
      user: user.name,
      address: '',
      verb,
      resource: resourceWord(route),
      namespace,
      name,
      code: undefined,
    }
    return ![...this.#denied].some(filter => matches(request, filter))
  }

  /** Connections are reset until up(); the objects stay. */
  down(): void {
    this.#parts.connections.down()
  }

  up(): void {
    this.#parts.connections.up()
  }

  get isDown(): boolean {
    return this.#parts.connections.isDown
  }

  /** Cuts one client address off until heal(). */
  cut(address: string): void {
    this.#parts.connections.cut(address)
  }

  heal(address: string): void {
    this.#parts.connections.heal(address)
  }

  /** Resets every connection once. */
  reset(): void {
    this.#parts.connections.resetAll()
  }

  /** Forgets all history: watches and pages from before are 410 Gone. */
  compact(): void {
    this.#parts.store.compact()
  }

  /** Ends running watches: as a server does that goes away, or with a 410 event. */
  endWatches(how: 'end' | 'expire' = 'end', resource?: string): void {
    for (const watch of this.#running(resource)) watch[how]()
  }

  /** Sends a bookmark now to every watch that allows them. */
  bookmark(resource?: string): void {
    for (const watch of this.#running(resource)) watch.bookmark()
  }

  /** How many watches run, of one resource or of all. */
  watches(resource?: string): number {
    return this.#running(resource).length
  }

  #running(resource: string | undefined): RunningWatch[] {
    return [...this.#parts.watches].filter(
      watch => resource === undefined || watch.call.route.plural === resource,
    )
  }
}
