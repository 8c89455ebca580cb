/** Server-side apply as a request: what of the configuration counts, and what becomes of it. */
import { bodyObject, inNamespace } from './body-object.ts'
import type { Answer, Call, Served } from './call.ts'
import { badRequest, conflict, invalid, MODIFIED, notFound } from './fault-status.ts'
import type { JsonObject, KubeObject } from './json.ts'
import { applyConfig, rulesFor, stripServerFields } from './managed-fields.ts'
import { prepareUpdate } from './prepare.ts'
import { inVersion } from './read.ts'
import { type Resource, tableOf } from './resources.ts'
import { keyOf } from './store.ts'
import { conformed, createObject, storeUpdate, writerOf } from './store-object.ts'

/** The part of an applied configuration that this route may write. */
function applicable(config: JsonObject, call: Call): JsonObject {
  const { resource, subresource } = call.route
  const { status: _s, ...main } = config
  if (subresource === 'status') {
    const { spec: _, ...rest } = config
    return rest
  }
  return resource.separateStatus ? main : config
}

export function handleApply(served: Served, call: Call): Answer {
  const { resource, namespace, name = '', subresource } = call.route
  if (!call.query.has('fieldManager')) {
    const causes = [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
        field: 'fieldManager',
      },
    ]
    throw invalid({ ...resource, group: 'meta.k8s.io', kind: 'PatchOptions' }, '', causes)
  }
  const body = bodyObject(call)
  const own = (body['metadata'] as JsonObject)['name']
  if (own !== undefined && own !== name) {
    throw badRequest(`the name of the object (${String(own)}) does not match the name on the URL (${name})`)
  }
  const config = stripServerFields(applicable(body, call))
  const writer = writerOf(call, 'Apply')
  const before = served.store.get(tableOf(resource), keyOf(namespace, name))
  if (before === undefined) {
    if (subresource !== undefined) throw notFound(resource, name)
    const given = inNamespace({ ...config, metadata: { ...(config['metadata'] as JsonObject), name } }, call)
    return { code: 201, body: inVersion(createObject(served, call, given, writer), resource) }
  }
  checkVersionOf(body, before, resource, name)
  const force = ['1', 'true'].includes(call.query.get('force') ?? '')
  const applied = applyConfig(before, config, writer, force, rulesFor(resource, subresource))
  if (applied.isSame) return { code: 200, body: inVersion(before, resource) }
  const prepared = conformed(prepareUpdate(resource, before, applied.object, subresource), resource)
  return { code: 200, body: inVersion(storeUpdate(served, call, before, prepared), resource) }
}

/** An applied configuration may carry preconditions as well. */
function checkVersionOf(body: JsonObject, before: KubeObject, resource: Resource, name: string): void {
  const { resourceVersion, uid } = body['metadata'] as JsonObject
  if (
    typeof resourceVersion === 'string' &&
    resourceVersion !== '' &&
    resourceVersion !== before.metadata.resourceVersion
  ) {
    throw conflict(resource, name, MODIFIED)
  }
  if (typeof uid === 'string' && uid !== '' && uid !== before.metadata.uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`,
    )
  }
}
