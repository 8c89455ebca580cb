/** Server-side apply as a request: what of the configuration counts, and what becomes of it. */
import { bodyObject, inNamespace } from './body-object.ts'
import type { Answer, Call, Served } from './call.ts'
import { badRequest, conflict, invalid, MODIFIED, notFound } from './fault-status.ts'
import { type JsonObject, type KubeObject, textAt } from './json.ts'
import { applyConfig, rulesFor, stripServerFields } from './managed-fields.ts'
import { prepareUpdate } from './prepare.ts'
import { inVersion } from './read.ts'
import { type Resource, tableOf } from './resources.ts'
import { checkTyped } from './schema-fields.ts'
import { keyOf } from './store.ts'
import { conformed, createObject, storeUpdate, writerOf } from './store-object.ts'

/** Unlike other writes, an apply must say its version, kind and name. */
function appliedObject(call: Call): JsonObject {
  const { name = '' } = call.route
  if (textAt(call.body, 'apiVersion') === undefined || textAt(call.body, 'kind') === undefined) {
    throw badRequest(
      `invalid object type: ${textAt(call.body, 'apiVersion') ?? '/'}, Kind=${textAt(call.body, 'kind') ?? ''}`,
    )
  }
  const body = bodyObject(call)
  const own = textAt(body, 'metadata', 'name')
  if (own === undefined) {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    )
  }
  if (own !== name)
    throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`)
  return body
}

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
  const body = appliedObject(call)
  checkTyped(resource, body)
  const config = stripServerFields(applicable(body, call))
  const writer = writerOf(call, 'Apply')
  const before = served.store.get(tableOf(resource), keyOf(namespace, name))
  if (before === undefined) {
    if (subresource !== undefined) throw notFound(resource, name)
    const given = inNamespace(config, call)
    return { code: 201, body: inVersion(createObject(served, call, given, writer), resource) }
  }
  checkIdentity(body, before, resource)
  const force = ['1', 'true'].includes(call.query.get('force') ?? '')
  const applied = applyConfig(before, config, writer, force, rulesFor(resource, subresource))
  if (applied.isSame) return { code: 200, body: inVersion(before, resource) }
  const prepared = conformed(prepareUpdate(resource, before, applied.object, subresource), resource)
  return { code: 200, body: inVersion(storeUpdate(served, call, before, prepared), resource) }
}

/** An applied configuration may say which object, and which state of it, it is meant for. */
function checkIdentity(body: JsonObject, before: KubeObject, resource: Resource): void {
  const { name, ...metadata } = before.metadata
  const version = textAt(body, 'metadata', 'resourceVersion') ?? ''
  if (version !== '' && version !== metadata.resourceVersion) throw conflict(resource, name, MODIFIED)
  const uid = textAt(body, 'metadata', 'uid') ?? ''
  if (uid === '' || uid === metadata.uid) return
  const message = `Invalid value: ${JSON.stringify(uid)}: field is immutable`
  throw invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.uid' }])
}
