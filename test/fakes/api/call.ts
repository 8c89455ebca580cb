/** One call as the handlers see it, its answer, and what they work on. */
import type { User } from './auth.ts'
import type { Json, JsonObject } from './json.ts'
import type { ResourceTable } from './resources.ts'
import type { Route } from './route.ts'
import type { Store } from './store.ts'

/** What is served: everything that handlers read and change. */
export interface Served {
  readonly store: Store
  readonly resources: ResourceTable
}

export interface Call {
  readonly route: Route
  readonly query: URLSearchParams
  readonly user: User
  /** Field manager: the parameter, or else the first word of the User-Agent. */
  readonly manager: string
  readonly contentType: string
  /** The body as JSON; undefined when there was none. */
  readonly body: Json | undefined
}

export interface Answer {
  readonly code: number
  readonly body: JsonObject
}

export function isDryRun(query: URLSearchParams): boolean {
  return query.getAll('dryRun').includes('All')
}
