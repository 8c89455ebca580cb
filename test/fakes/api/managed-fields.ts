/** Who owns which field: server-side apply with its conflicts, and the book-keeping of every other write. */
import { ApiFault, type Cause } from './fault-status.ts'
import {
  difference,
  type FieldSet,
  inOrder,
  intersection,
  parseFieldsV1,
  sameSet,
  sayPath,
  toFieldsV1,
  union,
} from './field-set.ts'
import { type Comparison, compare, fieldsOf, mergeTyped, removeFields } from './field-walk.ts'
import { type Json, type JsonObject, type KubeObject, type ManagedFieldsEntry, timestamp } from './json.ts'
import type { Resource } from './resources.ts'
import type { Shape } from './shapes.ts'

/** Who writes, and how. */
export interface Writer {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string | undefined
}

interface Owned {
  readonly entry: ManagedFieldsEntry
  readonly fields: FieldSet
}

const NEVER_OWNED = new Set(
  ['apiVersion', 'kind', 'metadata']
    .map(key => `f:${key}`)
    .concat(
      [
        'name',
        'namespace',
        'uid',
        'resourceVersion',
        'generation',
        'creationTimestamp',
        'managedFields',
        'selfLink',
      ]
        .concat(['deletionTimestamp', 'deletionGracePeriodSeconds'])
        .map(key => `f:metadata\u0000f:${key}`),
    ),
)

/** Fields that this write may not touch are not owned by it either. */
export type Ignores = (path: string) => boolean

/** How fields of this kind merge, and which of them a write to this route leaves alone. */
export interface Rules {
  readonly shape: Shape
  readonly ignores: Ignores
}

/** Of the parts that a write to `subresource` does not change: `status` here, everything else there. */
export function rulesFor(resource: Resource, subresource: string | undefined): Rules {
  return { shape: resource.shape, ignores: ignoresFor(subresource, resource.separateStatus) }
}

function ignoresFor(subresource: string | undefined, separateStatus: boolean): Ignores {
  return path => {
    if (NEVER_OWNED.has(path) || path.startsWith('f:metadata\u0000f:managedFields')) return true
    const top = path.split('\u0000', 1)[0]
    if (subresource === 'status') return top === 'f:spec'
    return separateStatus && top === 'f:status'
  }
}

function without(set: FieldSet, ignores: Ignores): Set<string> {
  return new Set([...set].filter(path => !ignores(path)))
}

function isSame(entry: ManagedFieldsEntry, writer: Writer): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    entry.subresource === writer.subresource &&
    (writer.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  )
}

function ownedOf(object: KubeObject | undefined): Owned[] {
  return (object?.metadata.managedFields ?? []).map(entry => ({
    entry,
    fields: parseFieldsV1(entry.fieldsV1),
  }))
}

function toEntries(owned: readonly Owned[]): ManagedFieldsEntry[] {
  const order = (a: ManagedFieldsEntry, b: ManagedFieldsEntry): number =>
    a.operation.localeCompare(b.operation) ||
    (a.time ?? '').localeCompare(b.time ?? '') ||
    a.manager.localeCompare(b.manager)
  return owned
    .filter(({ fields }) => fields.size > 0)
    .map(({ entry, fields }) => ({ ...entry, fieldsV1: toFieldsV1(fields) }))
    .sort(order)
}

function newEntry(writer: Writer): ManagedFieldsEntry {
  return {
    manager: writer.manager,
    operation: writer.operation,
    apiVersion: writer.apiVersion,
    time: timestamp(),
    fieldsType: 'FieldsV1',
    fieldsV1: {},
    ...(writer.subresource === undefined ? {} : { subresource: writer.subresource }),
  }
}

function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject
}

function withFields(object: KubeObject, entries: ManagedFieldsEntry[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } }
}

/** The owner's set after the write; its time moves only when the set changes. */
function setOwner(owned: readonly Owned[], writer: Writer, fields: FieldSet): Owned[] {
  const mine = owned.find(each => isSame(each.entry, writer))
  const others = owned.filter(each => each !== mine)
  if (mine !== undefined && sameSet(mine.fields, fields)) return [...owned]
  return [...others, { entry: newEntry(writer), fields }]
}

/** Books a create, update or patch: the writer owns what it changed, nobody else does any more. */
export function trackUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  writer: Writer,
  { shape, ignores }: Rules,
): KubeObject {
  // As the real server: what was never tracked is not tracked before its first apply.
  if (before !== undefined && before.metadata.managedFields === undefined) return withFields(after, [])
  const changes = compare(before === undefined ? {} : asJson(before), asJson(after), shape)
  const touched = without(union(changes.added, changes.modified), ignores)
  const removed = without(changes.removed, ignores)
  const owned = ownedOf(before)
  const mine = owned.find(each => isSame(each.entry, writer))
  const others = owned
    .filter(each => each !== mine)
    .map(each => ({ ...each, fields: difference(difference(each.fields, touched), removed) }))
  const fields = union(
    difference(mine?.fields ?? new Set(), removed),
    ownPaths(touched, before === undefined),
  )
  const kept = mine === undefined ? others : [...others, mine]
  return withFields(after, toEntries(setOwner(kept, writer, fields)))
}

const STRUCTS: FieldSet = new Set(['f:spec', 'f:status'])

/** spec and status themselves are not owned when a built-in kind is created: the empty struct was there before. */
function ownPaths(touched: FieldSet, created: boolean): FieldSet {
  return created ? difference(touched, STRUCTS) : touched
}

function conflictOf(conflicts: readonly { owner: ManagedFieldsEntry; fields: FieldSet }[]): ApiFault {
  const causes = conflicts.flatMap(({ owner, fields }) => {
    const using = owner.operation === 'Update' ? ` using ${owner.apiVersion}` : ''
    const sub = owner.subresource === undefined ? '' : ` with subresource "${owner.subresource}"`
    return inOrder(fields).map(
      (path): Cause => ({
        reason: 'FieldManagerConflict',
        message: `conflict with "${owner.manager}"${sub}${using}`,
        field: sayPath(path),
      }),
    )
  })
  const [first] = causes
  const said =
    causes.length === 1
      ? `1 conflict: ${first?.message}: ${first?.field}`
      : `${causes.length} conflicts: ${sayConflicts(causes)}`
  return new ApiFault(409, 'Conflict', `Apply failed with ${said}`, { causes })
}

function sayConflicts(causes: readonly Cause[]): string {
  const byMessage = Map.groupBy(causes, cause => cause.message)
  return [...byMessage]
    .map(([message, group]) => {
      const plural = message.replace('conflict with', 'conflicts with')
      return `${plural}:\n${group.map(cause => `- ${cause.field}`).join('\n')}`
    })
    .join('\n')
}

export interface Applied {
  readonly object: KubeObject
  /** Neither a value nor an ownership changed. */
  readonly isSame: boolean
}

/** The owners before an apply. What was never tracked belongs to a manager of its own from now on. */
function ownersBeforeApply(live: KubeObject, { apiVersion }: Writer, rules: Rules): Owned[] {
  if (live.metadata.managedFields !== undefined) return ownedOf(live)
  const manager: Writer = {
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion,
    subresource: undefined,
  }
  const fields = without(compare({}, asJson(live), rules.shape).added, rules.ignores)
  return [{ entry: newEntry(manager), fields: difference(fields, STRUCTS) }]
}

/** A new object made by an apply: its manager owns what it named, nobody owns the defaults. */
export function trackApplied(
  object: KubeObject,
  config: JsonObject,
  writer: Writer,
  rules: Rules,
): KubeObject {
  const fields = without(fieldsOf(config, rules.shape), rules.ignores)
  return withFields(object, toEntries([{ entry: newEntry(writer), fields }]))
}

/** Server-side apply of `config` on an object that exists. */
export function applyConfig(
  live: KubeObject,
  config: JsonObject,
  writer: Writer,
  force: boolean,
  rules: Rules,
): Applied {
  const { shape, ignores } = rules
  const owned = ownersBeforeApply(live, writer, rules)
  const mine = owned.find(each => isSame(each.entry, writer))
  const others = owned.filter(each => each !== mine)
  const fields = without(fieldsOf(config, shape), ignores)

  const merged = mergeTyped(asJson(live), config, shape)
  const owners = union(fields, ...others.map(each => each.fields))
  const gone = difference(mine?.fields ?? new Set(), owners)
  const pruned = gone.size === 0 ? merged : removeFields(merged, shape, gone, owners)

  const changes = compare(asJson(live), pruned, shape)
  const left = settleOthers(others, changes, force)
  const kept = mine === undefined ? left : [...left, mine]
  const object = withFields(pruned as unknown as KubeObject, toEntries(setOwner(kept, writer, fields)))
  const ownersAsBefore =
    mine !== undefined &&
    sameSet(mine.fields, fields) &&
    left.every((each, i) => each.fields === others[i]?.fields)
  const isQuiet = [changes.added, changes.modified, changes.removed].every(
    set => without(set, ignores).size === 0,
  )
  return { object, isSame: ownersAsBefore && isQuiet }
}

/** Others lose what this apply changes, if it may. */
function settleOthers(others: readonly Owned[], changes: Comparison, force: boolean): Owned[] {
  const touched = union(changes.added, changes.modified)
  const conflicts = others
    .map(each => ({ owner: each.entry, fields: intersection(each.fields, touched) }))
    .filter(each => each.fields.size > 0)
  if (!force && conflicts.length > 0) throw conflictOf(conflicts)
  const lost = union(touched, changes.removed)
  return others.map(each => {
    const fields = difference(each.fields, lost)
    return fields.size === each.fields.size ? each : { ...each, fields }
  })
}

/** Never part of what is applied or owned. */
export function stripServerFields(config: JsonObject): JsonObject {
  const metadata = config['metadata']
  if (metadata === undefined) return config
  const rest: Record<string, Json> = { ...(metadata as JsonObject) }
  for (const key of [
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'managedFields',
    'selfLink',
  ])
    delete rest[key]
  return { ...config, metadata: rest }
}
