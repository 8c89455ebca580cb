/** A request's method and path → what is asked of which resource. */
import type { Resource, ResourceTable } from './resources.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** What the path alone says; known before the resource is looked up. */
export interface Target {
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly plural: string
  readonly name: string | undefined
  readonly subresource: string | undefined
}

export interface Route extends Target {
  readonly verb: Verb
  readonly resource: Resource
}

const OF_NAMESPACES = new Set(['status', 'finalize'])

/** undefined: not the path of a resource. */
export function parseTarget(path: string): Target | undefined {
  const parts = path
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
  const isCore = parts[0] === 'api'
  if (!isCore && parts[0] !== 'apis') return undefined
  const group = isCore ? '' : parts[1]
  const version = isCore ? parts[1] : parts[2]
  const rest = parts.slice(isCore ? 2 : 3)
  if (group === undefined || version === undefined || rest.length === 0) return undefined
  const scoped = rest[0] === 'namespaces' && rest.length > 2 && !OF_NAMESPACES.has(rest[2] ?? '')
  const namespace = scoped ? rest[1] : undefined
  const [plural = '', name, ...sub] = scoped ? rest.slice(2) : rest
  return { group, version, namespace, plural, name, subresource: sub.length > 0 ? sub.join('/') : undefined }
}

export function verbOf(method: string, target: Target, query: URLSearchParams): Verb | undefined {
  const named = target.name !== undefined
  const watches = ['1', 'true'].includes(query.get('watch') ?? '')
  switch (method) {
    case 'GET':
    case 'HEAD':
      return named ? 'get' : watches ? 'watch' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return named ? 'delete' : 'deletecollection'
    default:
      return undefined
  }
}

/** undefined: no such resource is served under this path. */
export function findResource(target: Target, table: ResourceTable): Resource | undefined {
  const resource = table.find(target.group, target.version, target.plural)
  if (resource === undefined) return undefined
  if (target.namespace !== undefined && !resource.namespaced) return undefined
  if (target.name !== undefined && resource.namespaced && target.namespace === undefined) return undefined
  const sub = target.subresource
  return sub === undefined || resource.subresources.includes(sub) ? resource : undefined
}

/** `pods`, `pods/eviction`: how rights, faults and the request log name what is asked for. */
export function resourceWord(target: Pick<Target, 'plural' | 'subresource'>): string {
  return target.subresource === undefined ? target.plural : `${target.plural}/${target.subresource}`
}
