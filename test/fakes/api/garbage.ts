/** What the controllers beside the API server collect in the background: dependents, namespaces, custom resources. */
import type { Served } from './call.ts'
import { afterCrdRemoval } from './crds.ts'
import type { KubeObject, OwnerReference } from './json.ts'
import { isFinished } from './prepare.ts'
import { deleteObject } from './remove.ts'
import { type Resource, tableOf } from './resources.ts'
import { type Change, keyOf } from './store.ts'

const BACKGROUND = { uid: undefined, resourceVersion: undefined, graceS: undefined, propagation: undefined }
const CRDS = 'apiextensions.k8s.io/customresourcedefinitions'
const NAMESPACES = '/namespaces'

function resourceOf(served: Served, table: string): Resource | undefined {
  return served.resources.all().find(resource => tableOf(resource) === table)
}

function objects(served: Served): { table: string; object: KubeObject }[] {
  return served.store
    .tables()
    .flatMap(table => served.store.list(table).map(([, object]) => ({ table, object })))
}

function ownersOf(object: KubeObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? []
}

function remove(served: Served, table: string, object: KubeObject): void {
  const resource = resourceOf(served, table)
  if (resource !== undefined) deleteObject(served, resource, object, BACKGROUND)
}

/** Stores an object anew, or removes it when that was the last thing its deletion waited for. */
function replace(served: Served, table: string, object: KubeObject): void {
  const key = keyOf(object.metadata.namespace, object.metadata.name)
  if (isFinished(object)) served.store.remove(table, key, object)
  else served.store.put(table, key, object)
}

function withoutFinalizer(object: KubeObject, finalizer: string): KubeObject {
  const finalizers = (object.metadata.finalizers ?? []).filter(each => each !== finalizer)
  return { ...object, metadata: { ...object.metadata, finalizers } }
}

/** A dependent goes with its last owner; while it has others it only loses the reference. */
function collectDependents(served: Served, uid: string): void {
  const living = new Set(objects(served).map(({ object }) => object.metadata.uid))
  for (const { table, object } of objects(served)) {
    const owners = ownersOf(object)
    if (!owners.some(owner => owner.uid === uid)) continue
    const left = owners.filter(owner => living.has(owner.uid))
    if (left.length === 0) remove(served, table, object)
    else replace(served, table, { ...object, metadata: { ...object.metadata, ownerReferences: left } })
  }
}

function orphanDependents(served: Served, owner: KubeObject): void {
  for (const { table, object } of objects(served)) {
    const owners = ownersOf(object)
    const left = owners.filter(each => each.uid !== owner.metadata.uid)
    if (left.length < owners.length)
      replace(served, table, { ...object, metadata: { ...object.metadata, ownerReferences: left } })
  }
}

function collectOwner(served: Served, table: string, owner: KubeObject): void {
  const finalizers = owner.metadata.finalizers ?? []
  if (owner.metadata.deletionTimestamp === undefined) return
  if (finalizers.includes('orphan')) {
    orphanDependents(served, owner)
    replace(served, table, withoutFinalizer(owner, 'orphan'))
  } else if (finalizers.includes('foregroundDeletion')) {
    const dependents = objects(served).filter(({ object }) =>
      ownersOf(object).some(each => each.uid === owner.metadata.uid),
    )
    for (const each of dependents) {
      if (each.object.metadata.deletionTimestamp === undefined) remove(served, each.table, each.object)
    }
    if (dependents.length === 0) replace(served, table, withoutFinalizer(owner, 'foregroundDeletion'))
  }
}

function emptyNamespace(served: Served, namespace: KubeObject): void {
  const { name } = namespace.metadata
  const content = objects(served).filter(({ object }) => object.metadata.namespace === name)
  for (const { table, object } of content)
    if (object.metadata.deletionTimestamp === undefined) remove(served, table, object)
  const isEmpty = !objects(served).some(({ object }) => object.metadata.namespace === name)
  if (isEmpty) served.store.remove(NAMESPACES, name)
}

function react(served: Served, change: Change): void {
  if (change.type === 'DELETED') {
    collectDependents(served, change.object.metadata.uid)
    if (change.table === CRDS) afterCrdRemoval(served, change.object)
  }
  // What was seen may have changed by now: look at what is there.
  for (const { table, object } of objects(served)) {
    if (object.metadata.deletionTimestamp === undefined) continue
    collectOwner(served, table, object)
    if (table === NAMESPACES) emptyNamespace(served, object)
  }
}

/** Collects a moment after each change that may concern it; returns how to stop. */
export function startGarbageCollection(served: Served): () => void {
  return served.store.subscribe(change => {
    const concerns = change.type === 'DELETED' || change.object.metadata.deletionTimestamp !== undefined
    if (concerns) setImmediate(() => react(served, change))
  })
}
