/** Who calls: bearer tokens → users. */
import { ApiFault, qualified } from './fault-status.ts'
import type { Route } from './route.ts'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Token → user. Without a table every token is the name of its user, and nobody is refused. */
export type Tokens = ReadonlyMap<string, User>

export function authenticate(header: string | undefined, tokens: Tokens | undefined): User {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (token === undefined) return ANONYMOUS
  if (tokens === undefined) return { name: token, groups: ['system:authenticated'] }
  const user = tokens.get(token)
  if (user === undefined) throw new ApiFault(401, 'Unauthorized', 'Unauthorized')
  return user
}

/** The refusal of the authorizer, in its words. */
export function forbidden(user: User, route: Route): ApiFault {
  const { resource, subresource, verb, namespace, name } = route
  const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const named = name === undefined ? '' : ` "${name}"`
  const message =
    `${qualified(resource)}${named} is forbidden: User "${user.name}" cannot ${verb} ` +
    `resource "${what}" in API group "${resource.group}" ${where}`
  return new ApiFault(403, 'Forbidden', message, {
    ...(name === undefined ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  })
}
