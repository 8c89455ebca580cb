/** How lists and maps of a kind are merged: which are atomic, which are sets, which are maps by a key. */
import { at, isObject, type Json } from './json.ts'

export interface Shape {
  /** Lists without a rule are atomic: they are owned and replaced as a whole. */
  readonly list?: 'atomic' | 'set' | 'map'
  /** Keys of the items of a list of type map. */
  readonly keys?: readonly string[]
  /** Values that an item has for a key it does not name. */
  readonly keyDefaults?: Readonly<Record<string, string>>
  /** A map that is owned and replaced as a whole. */
  readonly atomicMap?: boolean
  /** The key by which strategic merge patch merges this list, where it differs from `keys`. */
  readonly patchKey?: string
  /** A list of scalars that strategic merge patch adds to. */
  readonly patchMerge?: boolean
  readonly fields?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  /** Shape of the values of a free map. */
  readonly values?: Shape
}

const byKey = (keys: string[], items: Shape = {}): Shape => ({ list: 'map', keys, items })
const ATOMIC_MAP: Shape = { atomicMap: true }
const CONDITIONS = byKey(['type'])

const META: Shape = {
  fields: {
    finalizers: { list: 'set', patchMerge: true },
    ownerReferences: byKey(['uid'], ATOMIC_MAP),
  },
}

/** The shape of what we know nothing about: maps by field, lists atomic. */
export const PLAIN_SHAPE: Shape = { fields: { metadata: META } }

const CONTAINERS = byKey(['name'], {
  fields: {
    env: byKey(['name']),
    ports: { list: 'map', keys: ['containerPort', 'protocol'], keyDefaults: { protocol: 'TCP' } },
    volumeMounts: byKey(['mountPath']),
    volumeDevices: byKey(['devicePath']),
  },
})

const POD_SPEC: Shape = {
  fields: {
    containers: CONTAINERS,
    initContainers: CONTAINERS,
    volumes: byKey(['name']),
    imagePullSecrets: byKey(['name']),
    hostAliases: byKey(['ip']),
    schedulingGates: byKey(['name']),
    topologySpreadConstraints: byKey(['topologyKey', 'whenUnsatisfiable']),
    nodeSelector: ATOMIC_MAP,
  },
}

const WORKLOAD: Shape = {
  fields: {
    metadata: META,
    spec: { fields: { selector: ATOMIC_MAP, template: { fields: { metadata: META, spec: POD_SPEC } } } },
    status: { fields: { conditions: CONDITIONS } },
  },
}

const withStatus = (spec: Shape, status: Readonly<Record<string, Shape>> = {}): Shape => ({
  fields: { metadata: META, spec, status: { fields: { conditions: CONDITIONS, ...status } } },
})

/** Only the kinds that Hawser and its surroundings patch; every other kind has PLAIN_SHAPE. */
export const CORE_SHAPES: Readonly<Record<string, Shape>> = {
  Pod: withStatus(POD_SPEC, { podIPs: byKey(['ip']), hostIPs: { list: 'atomic', patchKey: 'ip' } }),
  Node: withStatus(
    { fields: { podCIDRs: { list: 'set', patchMerge: true } } },
    { addresses: byKey(['type']) },
  ),
  Namespace: withStatus({}),
  PersistentVolume: withStatus({ fields: { claimRef: {} } }),
  PersistentVolumeClaim: withStatus({ fields: { selector: ATOMIC_MAP } }),
  Service: withStatus({
    fields: {
      ports: { list: 'map', keys: ['port', 'protocol'], keyDefaults: { protocol: 'TCP' }, patchKey: 'port' },
      selector: ATOMIC_MAP,
    },
  }),
  StatefulSet: WORKLOAD,
  Deployment: WORKLOAD,
  DaemonSet: WORKLOAD,
  ReplicaSet: WORKLOAD,
  Job: WORKLOAD,
  ServiceAccount: {
    fields: {
      metadata: META,
      secrets: byKey(['name']),
      imagePullSecrets: { list: 'atomic', patchKey: 'name' },
    },
  },
  CSINode: { fields: { metadata: META, spec: { fields: { drivers: byKey(['name']) } } } },
  CustomResourceDefinition: withStatus({}),
}

/** Reads the x-kubernetes-* marks of a structural schema. */
export function shapeOfSchema(schema: unknown, top = true): Shape {
  if (!isObject(schema)) return {}
  const properties = at(schema, 'properties')
  const fields: Record<string, Shape> = {}
  if (isObject(properties)) {
    for (const [name, property] of Object.entries(properties)) fields[name] = shapeOfSchema(property, false)
  }
  if (top) fields['metadata'] = META
  const items = at(schema, 'items')
  const values = at(schema, 'additionalProperties')
  const list = at(schema, 'x-kubernetes-list-type')
  const keys = at(schema, 'x-kubernetes-list-map-keys')
  return {
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
    ...(isObject(items) ? { items: shapeOfSchema(items, false) } : {}),
    ...(isObject(values) ? { values: shapeOfSchema(values, false) } : {}),
    ...(list === 'set' || list === 'map' || list === 'atomic' ? { list } : {}),
    ...(Array.isArray(keys) ? { keys: keys.map(String) } : {}),
    ...(at(schema, 'x-kubernetes-map-type') === 'atomic' ? { atomicMap: true } : {}),
  }
}

const ANY: Shape = {}

export function shapeOfField(shape: Shape, key: string): Shape {
  return shape.fields?.[key] ?? shape.values ?? ANY
}

export function shapeOfItem(shape: Shape): Shape {
  return shape.items ?? ANY
}

/** An item's identity in a list of type map, in the order of the keys' names; undefined if it lacks one. */
export function keyOfItem(shape: Shape, item: Json): Record<string, Json> | undefined {
  if (!isObject(item)) return undefined
  const key: Record<string, Json> = {}
  for (const name of [...(shape.keys ?? [])].sort()) {
    const value = item[name] ?? shape.keyDefaults?.[name]
    if (value === undefined) return undefined
    key[name] = value
  }
  return key
}
