/** What a write really stores: server-owned metadata, defaults, status kept apart; and when a deletion is due. */

import { withDefaults } from './defaults.ts'
import {
  at,
  clone,
  type JsonObject,
  type KubeObject,
  listAt,
  type ObjectMeta,
  sameJson,
  textAt,
  timestamp,
} from './json.ts'
import type { Resource } from './resources.ts'

/** Server-owned metadata of a new object, and the defaults of its kind. */
export function prepareNew(resource: Resource, object: KubeObject): KubeObject {
  const {
    deletionTimestamp: _d,
    deletionGracePeriodSeconds: _g,
    managedFields: _f,
    ...given
  } = object.metadata
  const metadata: ObjectMeta = {
    ...given,
    uid: crypto.randomUUID(),
    resourceVersion: '',
    creationTimestamp: timestamp(),
    ...(resource.countsGenerations ? { generation: 1 } : {}),
  }
  const { status: _s, ...bare } = object
  const keepsStatus = !resource.separateStatus || resource.kind === 'Node'
  const stored = { ...(keepsStatus ? object : bare), metadata }
  return withDefaults(stored)
}

const SERVER_OWNED = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

function keepServerOwned(before: ObjectMeta, after: ObjectMeta): ObjectMeta {
  const metadata: Record<string, unknown> = { ...after }
  for (const key of SERVER_OWNED) {
    const value = before[key]
    if (value === undefined) delete metadata[key]
    else metadata[key] = value
  }
  return metadata as unknown as ObjectMeta
}

/** Everything of `object` except metadata and status. */
function wishOf(object: KubeObject): JsonObject {
  const { metadata: _m, status: _s, ...rest } = object
  return rest as JsonObject
}

function withStatus(object: KubeObject, status: JsonObject | undefined): KubeObject {
  const { status: _, ...rest } = object
  return status === undefined ? rest : { ...rest, status }
}

/** What a write to the main resource or to `subresource` really changes of `before`. */
export function prepareUpdate(
  resource: Resource,
  before: KubeObject,
  wanted: KubeObject,
  subresource: string | undefined,
): KubeObject {
  const metadata = keepServerOwned(before.metadata, clone(wanted.metadata))
  if (subresource === 'status') {
    // Of a custom resource only the status is taken; built-in kinds let labels and annotations through.
    const kept = resource.schema === undefined ? metadata : { ...before.metadata }
    if (resource.schema !== undefined && wanted.metadata.managedFields !== undefined)
      kept.managedFields = wanted.metadata.managedFields
    return withStatus({ ...before, metadata: kept }, wanted.status)
  }
  const merged = { ...wanted, apiVersion: before.apiVersion, kind: before.kind, metadata }
  if (before.spec !== undefined) merged.spec ??= {}
  const after = resource.separateStatus ? withStatus(merged, before.status) : merged
  if (resource.countsGenerations && !sameJson(wishOf(before), wishOf(after))) {
    after.metadata = { ...metadata, generation: (before.metadata.generation ?? 0) + 1 }
  }
  return after
}

/** Deletion is due: asked for, no finalizer left, no grace left. */
export function isFinished(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  const isNamespaceWaiting = object.kind === 'Namespace' && listAt(object, 'spec', 'finalizers').length > 0
  return (
    deletionTimestamp !== undefined &&
    (deletionGracePeriodSeconds ?? 0) === 0 &&
    (finalizers ?? []).length === 0 &&
    !isNamespaceWaiting
  )
}

/** Seconds a delete leaves the object: pods that run somewhere have a grace, all else has none. */
export function graceOf(object: KubeObject, asked: number | undefined): number {
  if (object.kind !== 'Pod') return 0
  const phase = textAt(object, 'status', 'phase')
  const isRunning =
    textAt(object, 'spec', 'nodeName') !== undefined && phase !== 'Succeeded' && phase !== 'Failed'
  if (!isRunning) return 0
  const own = at(object, 'spec', 'terminationGracePeriodSeconds')
  const seconds = asked ?? (typeof own === 'number' ? own : 30)
  return seconds < 0 ? 1 : seconds
}
