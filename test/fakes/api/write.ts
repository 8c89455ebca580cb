/** create, update and patch. */
import { handleApply } from './apply.ts'
import { bodyObject, inNamespace } from './body-object.ts'
import type { Answer, Call, Served } from './call.ts'
import { ApiFault, badRequest, invalid, notFound } from './fault-status.ts'
import { clone, isObject, type JsonObject, type KubeObject } from './json.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch, applyStrategicPatch } from './merge-patch.ts'
import { getObject, inVersion } from './read.ts'
import { type Resource, tableOf } from './resources.ts'
import { checkStrict } from './schema-fields.ts'
import { keyOf } from './store.ts'
import { createObject, replaceObject, writerOf } from './store-object.ts'

export function handleCreate(served: Served, call: Call): Answer {
  const object = inNamespace(bodyObject(call), call)
  checkStrict(call, object as unknown as JsonObject)
  if ((object.metadata.resourceVersion ?? '') !== '') {
    throw new ApiFault(500, undefined, 'resourceVersion should not be set on objects to be created')
  }
  return {
    code: 201,
    body: inVersion(createObject(served, call, object, writerOf(call, 'Update')), call.route.resource),
  }
}

export function handleUpdate(served: Served, call: Call): Answer {
  const { resource, namespace, name = '', subresource } = call.route
  const object = inNamespace(bodyObject(call), call)
  checkStrict(call, object as unknown as JsonObject)
  const own = object.metadata.name ?? ''
  if (own !== name) {
    if (own === '')
      throw badRequest('name of the object (based on URL) was undeterminable: name must be provided')
    throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`)
  }
  const before = served.store.get(tableOf(resource), keyOf(namespace, name))
  if (before === undefined) {
    if (!resource.createOnUpdate || subresource !== undefined) throw notFound(resource, name)
    return {
      code: 201,
      body: inVersion(createObject(served, call, object, writerOf(call, 'Update')), resource),
    }
  }
  if ((object.metadata.resourceVersion ?? '') === '' && !resource.unconditionalUpdate) {
    const message = 'Invalid value: 0: must be specified for an update'
    throw invalid(
      resource,
      name,
      [{ reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' }],
      resource.plural,
    )
  }
  return { code: 200, body: inVersion(replaceObject(served, call, before, object), resource) }
}

const CUSTOM_PATCHES =
  'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'

function unsupported(resource: Resource): ApiFault {
  return resource.schema === undefined
    ? new ApiFault(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
    : new ApiFault(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${CUSTOM_PATCHES}`,
      )
}

function patched(before: KubeObject, call: Call): JsonObject {
  const { resource } = call.route
  const target = clone(inVersion(before, resource))
  const { body = null } = call
  if (call.contentType === 'application/json-patch+json') return applyJsonPatch(target, body)
  const isStrategic =
    call.contentType === 'application/strategic-merge-patch+json' && resource.schema === undefined
  if (!isStrategic && call.contentType !== 'application/merge-patch+json') throw unsupported(resource)
  if (!isObject(body))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}',
    )
  return isStrategic ? applyStrategicPatch(target, body, resource.shape) : applyMergePatch(target, body)
}

export function handlePatch(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  if (call.contentType === 'application/apply-patch+yaml') return handleApply(served, call)
  const before = getObject(served, resource, namespace, name)
  const patchedObject = patched(before, call)
  checkStrict(call, patchedObject)
  const wanted = patchedObject as unknown as KubeObject
  return { code: 200, body: inVersion(replaceObject(served, call, before, wanted), resource) }
}
