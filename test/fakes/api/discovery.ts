/** What a client finds out about the server itself: versions, groups, resources, health. */
import type { Answer } from './call.ts'
import type { JsonObject } from './json.ts'
import { apiVersionOf, type Resource, type ResourceTable } from './resources.ts'

const VERSION: JsonObject = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.4-hawser-embedded',
  platform: `${process.platform}/${process.arch}`,
}
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const SUB_VERBS: Readonly<Record<string, string[]>> = {
  binding: ['create'],
  eviction: ['create'],
  finalize: ['update'],
}
const HEALTH = new Set(['/healthz', '/livez', '/readyz'])

export type Discovered = Answer | { readonly code: 200; readonly text: string }

function ok(body: JsonObject): Answer {
  return { code: 200, body }
}

function resourceList(groupVersion: string, resources: readonly Resource[]): JsonObject {
  const entries = resources.flatMap(resource => {
    const { plural, singular, namespaced, kind } = resource
    const main = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS }
    const subs = resource.subresources.map(sub => {
      const verbs = SUB_VERBS[sub] ?? ['get', 'patch', 'update']
      const own =
        sub === 'eviction'
          ? { group: 'policy', version: 'v1', kind: 'Eviction' }
          : { kind: sub === 'binding' ? 'Binding' : kind }
      return { name: `${plural}/${sub}`, singularName: '', namespaced, ...own, verbs }
    })
    return [main, ...subs]
  })
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: entries }
}

function groupEntry(name: string, resources: readonly Resource[]): JsonObject {
  const versions = [...new Set(resources.map(each => each.version))].map(version => ({
    groupVersion: `${name}/${version}`,
    version,
  }))
  return { name, versions, preferredVersion: versions[0] ?? {} }
}

/** undefined: the path is not one of discovery. */
export function discover(path: string, table: ResourceTable): Discovered | undefined {
  if (HEALTH.has(path)) return { code: 200, text: 'ok' }
  if (path === '/version') return ok(VERSION)
  if (path === '/api') return ok({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })
  const grouped = Map.groupBy(table.all(), resource => resource.group)
  if (path === '/apis') {
    const groups = [...grouped].filter(([name]) => name !== '').map(([name, list]) => groupEntry(name, list))
    return ok({ kind: 'APIGroupList', apiVersion: 'v1', groups })
  }
  const group = /^\/apis\/([^/]+)$/.exec(path)?.[1]
  const inGroup = group === undefined ? undefined : grouped.get(group)
  if (group !== undefined && inGroup !== undefined)
    return ok({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, inGroup) })
  const groupVersion = path === '/api/v1' ? 'v1' : /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1]
  const served = table.all().filter(resource => apiVersionOf(resource) === groupVersion)
  return groupVersion === undefined || served.length === 0
    ? undefined
    : ok(resourceList(groupVersion, served))
}
