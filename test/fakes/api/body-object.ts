/** The body of a write as an object of the right kind in the right namespace. */
import type { Call, Served } from './call.ts'
import { ApiFault, badRequest, noSuchResource, qualified } from './fault-status.ts'
import { isObject, type JsonObject, type KubeObject } from './json.ts'
import { getObject } from './read.ts'
import { apiVersionOf, type Resource } from './resources.ts'

/** The body as an object of the resource's kind. */
export function bodyObject(call: Call): JsonObject {
  const { resource } = call.route
  const { body } = call
  const unrecognized = `the object provided is unrecognized (must be of type ${resource.kind})`
  if (!isObject(body)) throw badRequest(`${unrecognized}: couldn't get version/kind; json parse error`)
  const wanted = apiVersionOf(resource)
  const { kind = resource.kind, apiVersion = wanted } = body
  if (resource.schema !== undefined && body['kind'] === undefined) {
    throw badRequest(`${unrecognized}: Object 'Kind' is missing in '${JSON.stringify(body).slice(0, 200)}'`)
  }
  if (kind !== resource.kind || apiVersion !== wanted) {
    const message = `${String(kind)} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${resource.kind}`
    throw badRequest(message)
  }
  const metadata = isObject(body['metadata']) ? body['metadata'] : {}
  return { ...body, apiVersion, kind, metadata }
}

export function inNamespace(object: JsonObject, call: Call): KubeObject {
  const { namespace } = call.route
  const metadata = object['metadata'] as JsonObject
  const own = metadata['namespace']
  if (own !== undefined && own !== '' && own !== (namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const { namespace: _, ...rest } = metadata
  const meta = { ...rest, ...(namespace === undefined ? {} : { namespace }) }
  return { ...object, metadata: meta } as unknown as KubeObject
}

/** New objects need a namespace that exists and is not on its way out. */
export function checkNamespace(
  served: Served,
  namespace: string | undefined,
  resource: Resource,
  name: string,
): void {
  if (namespace === undefined) return
  const namespaces = served.resources.find('', 'v1', 'namespaces')
  if (namespaces === undefined) throw noSuchResource()
  const found = getObject(served, namespaces, undefined, namespace)
  if (found.metadata.deletionTimestamp === undefined) return
  const message = `${qualified(resource)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`
  throw new ApiFault(403, 'Forbidden', message, {
    name,
    kind: resource.plural,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  })
}
