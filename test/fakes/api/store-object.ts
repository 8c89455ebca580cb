/** Storing what a write leads to: a new object, or another state of one. */
import { admitNew, checkEvent, checkTaints } from './admission.ts'
import { checkNamespace } from './body-object.ts'
import { type Call, isDryRun, type Served } from './call.ts'
import { afterCrdWrite, checkCrd } from './crds.ts'
import { alreadyExists, conflict, invalid, MODIFIED } from './fault-status.ts'
import { type Json, type JsonObject, type KubeObject, type ObjectMeta, sameJson } from './json.ts'
import { rulesFor, trackApplied, trackUpdate, type Writer } from './managed-fields.ts'
import { checkName, makeName } from './object-name.ts'
import { isFinished, prepareNew, prepareUpdate } from './prepare.ts'
import { apiVersionOf, type Resource, tableOf } from './resources.ts'
import { checkSchema, conform } from './schema-check.ts'
import { keyOf } from './store.ts'

/** Who writes by this call. */
export function writerOf(call: Call, operation: 'Apply' | 'Update'): Writer {
  const { resource, subresource } = call.route
  return { manager: call.manager, operation, apiVersion: apiVersionOf(resource), subresource }
}

/** Of custom resources: defaults, pruning, validation. */
export function conformed(object: KubeObject, resource: Resource): KubeObject {
  if (resource.schema === undefined) return object
  const result = conform(object as unknown as Json, resource.schema) as JsonObject
  const causes = checkSchema(result, resource.schema)
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes)
  return result as unknown as KubeObject
}

export function createObject(served: Served, call: Call, given: KubeObject, writer: Writer): KubeObject {
  const { resource, namespace } = call.route
  const table = tableOf(resource)
  const isTaken = (name: string): boolean => served.store.get(table, keyOf(namespace, name)) !== undefined
  const name = makeName(given.metadata, isTaken)
  checkName(resource, name)
  checkNamespace(served, namespace, resource, name)
  const metadata: ObjectMeta = { ...given.metadata, name }
  const prepared = conformed(prepareNew(resource, { ...given, metadata }), resource)
  if (isTaken(name)) throw alreadyExists(resource, name)
  checkCrd(resource, prepared)
  const rules = rulesFor(resource, undefined)
  const tracked =
    writer.operation === 'Apply'
      ? trackApplied(prepared, given as unknown as JsonObject, writer, rules)
      : trackUpdate(undefined, prepared, writer, rules)
  const admitted = admitNew(tracked)
  checkTaints(resource, admitted)
  checkEvent(resource, admitted)
  if (isDryRun(call.query)) return admitted
  const stored = served.store.put(table, keyOf(namespace, name), admitted)
  afterCrdWrite(served, resource, stored)
  return served.store.get(table, keyOf(namespace, name)) ?? stored
}

/** Stores `wanted` in place of `before`, as far as the route may change it. */
export function replaceObject(
  served: Served,
  call: Call,
  before: KubeObject,
  wanted: KubeObject,
): KubeObject {
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
  const tracked = trackUpdate(before, prepared, writerOf(call, 'Update'), rulesFor(resource, subresource))
  return storeUpdate(served, call, before, tracked)
}

/** Who is being deleted takes on no new duties. */
function checkFinalizers(resource: Resource, before: KubeObject, after: KubeObject): void {
  if (before.metadata.deletionTimestamp === undefined) return
  const old = new Set(before.metadata.finalizers)
  const added = (after.metadata.finalizers ?? []).filter(finalizer => !old.has(finalizer))
  if (added.length === 0) return
  const list = added.map(finalizer => JSON.stringify(finalizer)).join(', ')
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
  throw invalid(resource, after.metadata.name, [
    { reason: 'FieldValueForbidden', message, field: 'metadata.finalizers' },
  ])
}

/** Nothing is stored when nothing changed; an object whose deletion waited only for this is removed. */
export function storeUpdate(served: Served, call: Call, before: KubeObject, after: KubeObject): KubeObject {
  const { resource, namespace, name = '' } = call.route
  if (sameJson(before, after) || isDryRun(call.query)) return sameJson(before, after) ? before : after
  checkTaints(resource, after)
  checkFinalizers(resource, before, after)
  const key = keyOf(namespace, name)
  if (isFinished(after)) {
    served.store.remove(tableOf(resource), key, after)
    return after
  }
  const stored = served.store.put(tableOf(resource), key, after)
  afterCrdWrite(served, resource, stored)
  return served.store.get(tableOf(resource), key) ?? stored
}
