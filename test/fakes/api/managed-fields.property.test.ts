/** Properties of ownership: what apply merges, owns, gives back and refuses. */
import fc from 'fast-check'
import t from 'tap'
import { parseFieldsV1, sameSet, toFieldsV1 } from './field-set.ts'
import { compare, fieldsOf, mergeTyped } from './field-walk.ts'
import { type JsonObject, type KubeObject, sameJson } from './json.ts'
import { applyConfig, type Rules, trackApplied, type Writer } from './managed-fields.ts'
import { applyMergePatch } from './merge-patch.ts'
import { shapeOfSchema } from './shapes.ts'

const shape = shapeOfSchema({
  properties: {
    status: {
      properties: {
        tags: { 'x-kubernetes-list-type': 'set' },
        conditions: {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
          items: { properties: {} },
        },
      },
    },
  },
})
const rules: Rules = {
  shape,
  ignores: path => path === 'f:kind' || path === 'f:apiVersion' || path.startsWith('f:metadata'),
}

const word = fc.constantFrom('a', 'b', 'c', 'd')
const small = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const conditions = fc.uniqueArray(fc.record({ type: word, status: word }), {
  selector: each => each.type,
  minLength: 1,
  maxLength: 3,
})

/** A status as a manager may apply it: maps, a set, a list by key, an atomic list. */
const status = fc
  .record({
    seen: small(fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 })),
    tags: small(fc.uniqueArray(word, { minLength: 1, maxLength: 3 })),
    conditions: small(conditions),
    plain: small(fc.array(word, { minLength: 1, maxLength: 2 })),
    phase: small(word),
  })
  .map(fields => JSON.parse(JSON.stringify(fields)) as JsonObject)

const writer = (manager: string): Writer => ({
  manager,
  operation: 'Apply',
  apiVersion: 'v1',
  subresource: undefined,
})
const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' }

function configOf(fields: JsonObject): JsonObject {
  return Object.keys(fields).length === 0 ? {} : { status: fields }
}

function objectBy(manager: string, fields: JsonObject): KubeObject {
  const object: KubeObject = { apiVersion: 'v1', kind: 'X', metadata, ...configOf(fields) }
  return trackApplied(object, configOf(fields), writer(manager), rules)
}

function apply(object: KubeObject, manager: string, fields: JsonObject, force = true): KubeObject {
  return applyConfig(object, configOf(fields), writer(manager), force, rules).object
}

function holds<T>(name: string, property: fc.IPropertyWithHooks<T>): void {
  t.test(name, async t => {
    fc.assert(property, { numRuns: 300 })
    t.pass(name)
  })
}

holds(
  'a set of fields survives its wire form',
  fc.property(status, fields => {
    const set = fieldsOf({ status: fields }, shape)
    return sameSet(parseFieldsV1(toFieldsV1(set)), set)
  }),
)

holds(
  'everything that was applied is there, and owned by who applied it',
  fc.property(status, status, (old, fields) => {
    const object = apply(objectBy('first', old), 'second', fields)
    const entry = object.metadata.managedFields?.find(each => each.manager === 'second')
    const owned = parseFieldsV1(entry?.fieldsV1 ?? {})
    const merged = mergeTyped((object.status ?? {}) as JsonObject, fields, shape.fields?.['status'] ?? {})
    return sameJson(merged, object.status ?? {}) && sameSet(owned, fieldsOf(configOf(fields), shape))
  }),
)

holds(
  'who stops applying gives back exactly what nobody else owns',
  fc.property(status, status, (old, fields) => {
    // Without force: only what did not conflict, so the first still owns all of its own.
    const before = objectBy('first', old)
    let during: KubeObject
    try {
      during = apply(before, 'second', fields, false)
    } catch {
      return true
    }
    const after = apply(during, 'second', {})
    const sameStatus = sameStatusSets(after.status ?? {}, before.status ?? {})
    return sameStatus && after.metadata.managedFields?.every(each => each.manager === 'first') !== false
  }),
)

holds(
  'an apply conflicts exactly when it would change a value that another owns',
  fc.property(status, status, (old, fields) => {
    const before = objectBy('first', old)
    const owned = fieldsOf(configOf(old), shape)
    const merged = mergeTyped(configOf(old), configOf(fields), shape)
    const { modified } = compare(configOf(old), merged, shape)
    const contested = [...modified].some(path => owned.has(path))
    try {
      apply(before, 'second', fields, false)
      return !contested
    } catch {
      return contested
    }
  }),
)

holds(
  'the same apply twice is a no-op the second time',
  fc.property(status, status, (old, fields) => {
    const once = apply(objectBy('first', old), 'second', fields)
    return (
      Object.keys(fields).length === 0 ||
      applyConfig(once, configOf(fields), writer('second'), false, rules).isSame
    )
  }),
)

holds(
  'a comparison with itself is empty, and a merge patch twice is the same as once',
  fc.property(status, status, (a, b) => {
    const { added, modified, removed } = compare(a, a, shape)
    const once = applyMergePatch(a, b)
    return added.size + modified.size + removed.size === 0 && sameJson(applyMergePatch(once, b), once)
  }),
)

/** Order within sets and lists by key is not part of what is given back. */
function sameStatusSets(a: JsonObject, b: JsonObject): boolean {
  const sorted = (value: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        key !== 'plain' && Array.isArray(each)
          ? [...each].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1))
          : each,
      ]),
    )
  return sameJson(sorted(a), sorted(b))
}
