/** Typed walks over objects: which fields a value has, how two differ, merging, and taking fields out. */
import { isBelow, joinPath } from './field-set.ts'
import { clone, isObject, type Json, type JsonObject, sameJson } from './json.ts'
import { keyOfItem, type Shape, shapeOfField, shapeOfItem } from './shapes.ts'

type Path = readonly string[]

/** Children of a value with their path elements, or undefined for a leaf (scalars, atomic and empty things). */
export function childrenOf(
  value: Json | undefined,
  shape: Shape,
): Map<string, { value: Json; shape: Shape }> | undefined {
  if (isObject(value)) {
    if (shape.atomicMap === true || Object.keys(value).length === 0) return undefined
    return new Map(
      Object.entries(value).map(([key, child]) => [
        `f:${key}`,
        { value: child, shape: shapeOfField(shape, key) },
      ]),
    )
  }
  if (!Array.isArray(value) || value.length === 0 || shape.list === undefined || shape.list === 'atomic')
    return undefined
  const children = new Map<string, { value: Json; shape: Shape }>()
  for (const item of value) {
    const element = itemElement(item, shape)
    if (element !== undefined) children.set(element, { value: item, shape: shapeOfItem(shape) })
  }
  return children
}

function itemElement(item: Json, shape: Shape): string | undefined {
  if (shape.list === 'set') return `v:${JSON.stringify(item)}`
  const key = keyOfItem(shape, item)
  return key === undefined ? undefined : `k:${JSON.stringify(key)}`
}

/** The fields that an applied configuration names. */
export function fieldsOf(value: Json, shape: Shape): Set<string> {
  const fields = new Set<string>()
  const walk = (here: Json, hereShape: Shape, path: Path): void => {
    const children = childrenOf(here, hereShape)
    if (children === undefined) {
      if (path.length > 0) fields.add(joinPath(path))
      return
    }
    for (const [element, child] of children) {
      const childPath = [...path, element]
      // An item of a list is itself a member, its container is not.
      if (!element.startsWith('f:')) fields.add(joinPath(childPath))
      walk(child.value, child.shape, childPath)
    }
  }
  walk(value, shape, [])
  return fields
}

export interface Comparison {
  readonly added: Set<string>
  readonly modified: Set<string>
  readonly removed: Set<string>
}

export function compare(before: Json, after: Json, shape: Shape): Comparison {
  const result: Comparison = { added: new Set(), modified: new Set(), removed: new Set() }
  const addAll = (value: Json, valueShape: Shape, path: Path, into: Set<string>): void => {
    into.add(joinPath(path))
    for (const [element, child] of childrenOf(value, valueShape) ?? []) {
      addAll(child.value, child.shape, [...path, element], into)
    }
  }
  const walk = (a: Json, b: Json, hereShape: Shape, path: Path): void => {
    const old = childrenOf(a, hereShape)
    const now = childrenOf(b, hereShape)
    if (old === undefined && now === undefined) {
      if (!sameJson(a, b)) result.modified.add(joinPath(path))
      return
    }
    for (const [element, child] of now ?? []) {
      const was = old?.get(element)
      if (was === undefined) addAll(child.value, child.shape, [...path, element], result.added)
      else walk(was.value, child.value, child.shape, [...path, element])
    }
    for (const [element, child] of old ?? []) {
      if (now?.has(element) !== true) addAll(child.value, child.shape, [...path, element], result.removed)
    }
  }
  walk(before, after, shape, [])
  return result
}

/** What server-side apply makes of the live value and the applied one. */
export function mergeTyped(live: Json | undefined, applied: Json, shape: Shape): Json {
  if (isObject(applied) && isObject(live) && shape.atomicMap !== true) {
    const result: JsonObject = { ...live }
    for (const [key, value] of Object.entries(applied)) {
      result[key] = mergeTyped(live[key], value, shapeOfField(shape, key))
    }
    return result
  }
  if (Array.isArray(applied) && Array.isArray(live) && (shape.list === 'set' || shape.list === 'map')) {
    return mergeLists(live, applied, shape)
  }
  return clone(applied)
}

/** Items of the live list keep their place; new ones follow in the order in which they were applied. */
function mergeLists(live: readonly Json[], applied: readonly Json[], shape: Shape): Json[] {
  const result = [...live]
  for (const item of applied) {
    const element = itemElement(item, shape)
    const index = result.findIndex(each => itemElement(each, shape) === element)
    if (index < 0) result.push(clone(item))
    else result[index] = mergeTyped(result[index], item, shapeOfItem(shape))
  }
  return result
}

interface Pruning {
  readonly remove: ReadonlySet<string>
  /** Itself or something below it is owned by somebody. */
  readonly isKept: (path: string) => boolean
}

function prune(here: Json, shape: Shape, path: Path, pruning: Pruning): Json | undefined {
  const children = childrenOf(here, shape)
  const joined = joinPath(path)
  const isGone = pruning.remove.has(joined)
  if (children === undefined) return isGone ? undefined : here
  const isItem = !(path.at(-1) ?? 'f:').startsWith('f:')
  if (isGone && isItem && !pruning.isKept(joined)) return undefined
  const pruned = [...children].map(
    ([element, child]) => [element, prune(child.value, child.shape, [...path, element], pruning)] as const,
  )
  if (pruned.every(([element, value]) => value === children.get(element)?.value)) return here
  const left = pruned.flatMap(([element, value]): [string, Json][] =>
    value === undefined ? [] : [[element, value]],
  )
  if (left.length === 0 && path.length > 0 && !pruning.isKept(joined)) return undefined
  if (Array.isArray(here)) return left.map(([, item]) => item)
  return Object.fromEntries(left.map(([element, value]) => [element.slice('f:'.length), value]))
}

/**
 * Takes the fields of `remove` out. A container that this leaves empty goes too,
 * unless it is in `keep`; a list item goes when nobody owns any part of it.
 */
export function removeFields(
  value: Json,
  shape: Shape,
  remove: ReadonlySet<string>,
  keep: ReadonlySet<string>,
): Json {
  const isKept = (path: string): boolean => [...keep].some(each => each === path || isBelow(each, path))
  return prune(value, shape, [], { remove, isKept }) ?? {}
}
