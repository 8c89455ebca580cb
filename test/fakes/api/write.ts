/** create, update and patch. */
import { type Answer, type Call, isDryRun, type Served } from './call.ts'
import { afterCrdWrite, checkCrd } from './crds.ts'
import {
  ApiFault,
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  MODIFIED,
  noSuchResource,
  notFound,
  qualified,
} from './fault-status.ts'
import {
  clone,
  isObject,
  type Json,
  type JsonObject,
  type KubeObject,
  type ObjectMeta,
  sameJson,
} from './json.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyConfig, ignoresFor, stripServerFields, trackUpdate, type Writer } from './managed-fields.ts'
import { applyMergePatch, applyStrategicPatch } from './merge-patch.ts'
import { checkName, makeName } from './object-name.ts'
import { isFinished, prepareNew, prepareUpdate } from './prepare.ts'
import { getObject, inVersion } from './read.ts'
import { apiVersionOf, type Resource, tableOf } from './resources.ts'
import { checkSchema, conform } from './schema-check.ts'
import { keyOf } from './store.ts'

function writerOf(call: Call, operation: 'Apply' | 'Update'): Writer {
  const { resource, subresource } = call.route
  return { manager: call.manager, operation, apiVersion: apiVersionOf(resource), subresource }
}

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

function inNamespace(object: JsonObject, call: Call): KubeObject {
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

function checkNamespace(served: Served, namespace: string | undefined, resource: Resource): void {
  if (namespace === undefined) return
  const namespaces = served.resources.find('', 'v1', 'namespaces')
  if (namespaces === undefined) throw noSuchResource()
  const found = getObject(served, namespaces, undefined, namespace)
  if (found.metadata.deletionTimestamp === undefined) return
  const message = `${qualified(resource)} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`
  throw new ApiFault(403, 'Forbidden', message, {
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

/** Of custom resources: defaults, pruning, validation. */
function conformed(object: KubeObject, resource: Resource): KubeObject {
  if (resource.schema === undefined) return object
  const result = conform(object as unknown as Json, resource.schema) as JsonObject
  const causes = checkSchema(result, resource.schema)
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
  return result as unknown as KubeObject
}

export function handleCreate(served: Served, call: Call): Answer {
  const object = inNamespace(bodyObject(call), call)
  if ((object.metadata.resourceVersion ?? '') !== '') {
    throw new ApiFault(500, undefined, 'resourceVersion should not be set on objects to be created')
  }
  return {
    code: 201,
    body: inVersion(createObject(served, call, object, writerOf(call, 'Update')), call.route.resource),
  }
}

function createObject(served: Served, call: Call, given: KubeObject, writer: Writer): KubeObject {
  const { resource, namespace } = call.route
  checkNamespace(served, namespace, resource)
  const table = tableOf(resource)
  const isTaken = (name: string): boolean => served.store.get(table, keyOf(namespace, name)) !== undefined
  const name = makeName(given.metadata, isTaken)
  checkName(resource, name)
  const metadata: ObjectMeta = { ...given.metadata, name }
  const prepared = conformed(prepareNew(resource, { ...given, metadata }), resource)
  if (isTaken(name)) throw alreadyExists(resource, name)
  checkCrd(resource, prepared)
  const ignores = ignoresFor(undefined, resource.separateStatus)
  const tracked =
    writer.operation === 'Apply'
      ? applyConfig(prepared, given as unknown as JsonObject, writer, true, resource.shape, ignores).object
      : trackUpdate(undefined, prepared, writer, resource.shape, ignores)
  if (isDryRun(call.query)) return tracked
  const stored = served.store.put(table, keyOf(namespace, name), tracked)
  afterCrdWrite(served, resource, stored)
  return served.store.get(table, keyOf(namespace, name)) ?? stored
}

export function handleUpdate(served: Served, call: Call): Answer {
  const { resource, namespace, name = '', subresource } = call.route
  const object = inNamespace(bodyObject(call), call)
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

/** Stores `wanted` in place of `before`, as far as the route may change it. */
function replaceObject(served: Served, call: Call, before: KubeObject, wanted: KubeObject): KubeObject {
  const { resource, name = '', subresource } = call.route
  const { resourceVersion, uid } = wanted.metadata
  if (uid !== undefined && uid !== '' && uid !== before.metadata.uid) {
    const because = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`
    throw conflict(resource, name, because)
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== before.metadata.resourceVersion
  ) {
    throw conflict(resource, name, MODIFIED)
  }
  const prepared = conformed(prepareUpdate(resource, before, wanted, subresource), resource)
  const ignores = ignoresFor(subresource, resource.separateStatus)
  return storeUpdate(
    served,
    call,
    before,
    trackUpdate(before, prepared, writerOf(call, 'Update'), resource.shape, ignores),
  )
}

/** Nothing is stored when nothing changed; an object whose deletion waited only for this is removed. */
function storeUpdate(served: Served, call: Call, before: KubeObject, after: KubeObject): KubeObject {
  const { resource, namespace, name = '' } = call.route
  if (sameJson(before, after) || isDryRun(call.query)) return sameJson(before, after) ? before : after
  const key = keyOf(namespace, name)
  if (isFinished(after)) {
    served.store.remove(tableOf(resource), key, after)
    return after
  }
  const stored = served.store.put(tableOf(resource), key, after)
  afterCrdWrite(served, resource, stored)
  return served.store.get(tableOf(resource), key) ?? stored
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
  const wanted = patched(before, call) as unknown as KubeObject
  return { code: 200, body: inVersion(replaceObject(served, call, before, wanted), resource) }
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

function handleApply(served: Served, call: Call): Answer {
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
  const ignores = ignoresFor(subresource, resource.separateStatus)
  const applied = applyConfig(before, config, writer, force, resource.shape, ignores)
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
