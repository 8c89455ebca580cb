/** delete and deletecollection: preconditions, grace, finalizers, propagation. */
import { type Answer, type Call, isDryRun, type Served } from './call.ts'
import { markCrdTerminating } from './crds.ts'
import { preconditionFailed } from './fault-status.ts'
import { at, isObject, type Json, type KubeObject, textAt, timestamp } from './json.ts'
import { graceOf, isFinished } from './prepare.ts'
import { getObject, handleList, inVersion } from './read.ts'
import { apiVersionOf, type Resource, tableOf } from './resources.ts'
import { keyOf } from './store.ts'

export interface DeleteOptions {
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
  readonly graceS: number | undefined
  readonly propagation: string | undefined
}

export function parseDeleteOptions(body: Json | undefined, query: URLSearchParams): DeleteOptions {
  const grace = at(body, 'gracePeriodSeconds') ?? query.get('gracePeriodSeconds') ?? undefined
  return {
    uid: textAt(body, 'preconditions', 'uid'),
    resourceVersion: textAt(body, 'preconditions', 'resourceVersion'),
    graceS: grace === undefined || grace === null ? undefined : Number(grace),
    propagation: textAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined,
  }
}

export function checkPreconditions(resource: Resource, object: KubeObject, options: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata
  if (options.uid !== undefined && options.uid !== uid) {
    const because = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`
    throw preconditionFailed(resource, name, because)
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const because = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`
    throw preconditionFailed(resource, name, because)
  }
}

function finalizersFor(object: KubeObject, propagation: string | undefined): string[] | undefined {
  const own = object.metadata.finalizers
  const added =
    propagation === 'Foreground' ? 'foregroundDeletion' : propagation === 'Orphan' ? 'orphan' : undefined
  return added === undefined || own?.includes(added) === true ? own : [...(own ?? []), added]
}

/** The object with its deletion asked for; a second request can only shorten the grace. */
function markDeleted(object: KubeObject, graceS: number, finalizers: string[] | undefined): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds: oldGrace } = object.metadata
  const rest = finalizers === undefined ? {} : { finalizers }
  if (deletionTimestamp === undefined) {
    const at = timestamp(Date.now() + graceS * 1_000)
    const generation =
      object.metadata.generation === undefined ? {} : { generation: object.metadata.generation + 1 }
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...rest,
        ...generation,
        deletionTimestamp: at,
        deletionGracePeriodSeconds: graceS,
      },
    }
  }
  if (oldGrace === undefined || graceS >= oldGrace)
    return { ...object, metadata: { ...object.metadata, ...rest } }
  const sooner = timestamp(Date.parse(deletionTimestamp) - (oldGrace - graceS) * 1_000)
  return {
    ...object,
    metadata: { ...object.metadata, ...rest, deletionTimestamp: sooner, deletionGracePeriodSeconds: graceS },
  }
}

function sayTerminating(object: KubeObject): KubeObject {
  if (object.kind === 'CustomResourceDefinition') return markCrdTerminating(object)
  return object.kind === 'Namespace'
    ? { ...object, status: { ...object.status, phase: 'Terminating' } }
    : object
}

/** Asks for the deletion; removes at once what nothing holds. */
export function deleteObject(
  served: Served,
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions,
): { object: KubeObject; isGone: boolean } {
  const { store } = served
  const key = keyOf(object.metadata.namespace, object.metadata.name)
  checkPreconditions(resource, object, options)
  const marked = markDeleted(
    object,
    graceOf(object, options.graceS),
    finalizersFor(object, options.propagation),
  )
  const last = sayTerminating(marked)
  if (isFinished(last)) {
    store.remove(tableOf(resource), key, last)
    return { object: last, isGone: true }
  }
  const isSame = JSON.stringify(last.metadata) === JSON.stringify(object.metadata)
  return { object: isSame ? object : store.put(tableOf(resource), key, last), isGone: false }
}

export function handleDelete(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  const object = getObject(served, resource, namespace, name)
  const options = parseDeleteOptions(call.body, call.query)
  if (isDryRun(call.query)) {
    checkPreconditions(resource, object, options)
    return { code: 200, body: inVersion(object, resource) }
  }
  const result = deleteObject(served, resource, object, options)
  if (!result.isGone || resource.returnsDeleted)
    return { code: 200, body: inVersion(result.object, resource) }
  const group = resource.group === '' ? {} : { group: resource.group }
  const details = { name, ...group, kind: resource.plural, uid: object.metadata.uid }
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } }
}

export function handleDeleteCollection(served: Served, call: Call): Answer {
  const { resource } = call.route
  const list = handleList(served, call)
  const options = parseDeleteOptions(call.body, call.query)
  const items = list.body['items']
  for (const item of Array.isArray(items) ? items.filter(isObject) : []) {
    const object = getObject(
      served,
      resource,
      textAt(item, 'metadata', 'namespace'),
      textAt(item, 'metadata', 'name') ?? '',
    )
    deleteObject(served, resource, object, options)
  }
  return {
    code: 200,
    body: { ...list.body, kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) },
  }
}
