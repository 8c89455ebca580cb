/** JSON merge patch (RFC 7386), and strategic merge patch for the kinds of shapes.ts. */
import { badRequest } from './fault-status.ts'
import { clone, isObject, type Json, type JsonObject, sameJson } from './json.ts'
import { type Shape, shapeOfField, shapeOfItem } from './shapes.ts'

export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    const old = result[key]
    if (value === null) delete result[key]
    else if (isObject(value)) result[key] = applyMergePatch(isObject(old) ? old : {}, value)
    else result[key] = clone(value)
  }
  return result
}

const DIRECTIVE = '$patch'
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/'
const SET_ORDER = '$setElementOrder/'

/** The key by which a list is merged, as far as strategic merge patch has one. */
function patchKeyOf(shape: Shape): string | undefined {
  return shape.patchKey ?? (shape.list === 'map' ? shape.keys?.[0] : undefined)
}

function mergeItems(old: readonly Json[], patch: readonly Json[], key: string, shape: Shape): Json[] {
  const items = patch.filter(isObject)
  if (items.some(item => item[DIRECTIVE] === 'replace' && Object.keys(item).length === 1)) {
    return items.filter(item => item[DIRECTIVE] === undefined)
  }
  let result = [...old]
  for (const item of items) {
    const id = item[key]
    if (id === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    const index = result.findIndex(each => isObject(each) && sameJson(each[key], id))
    const found = result[index]
    if (item[DIRECTIVE] === 'delete') result = result.filter((_, i) => i !== index)
    else if (isObject(found)) result[index] = applyStrategicPatch(found, item, shapeOfItem(shape))
    else result.push(clone(item))
  }
  return result
}

function mergeList(old: Json | undefined, patch: readonly Json[], shape: Shape): Json[] {
  const before = Array.isArray(old) ? old : []
  if (shape.patchMerge === true) {
    return [...before, ...patch.filter(value => !before.some(each => sameJson(each, value)))]
  }
  const key = patchKeyOf(shape)
  return key === undefined ? clone([...patch]) : mergeItems(before, patch, key, shape)
}

/** A field of the result; undefined takes it out. */
function mergeField(old: Json | undefined, value: Json, shape: Shape): Json | undefined {
  if (value === null || (isObject(value) && value[DIRECTIVE] === 'delete')) return undefined
  if (Array.isArray(value)) return mergeList(old, value, shape)
  return isObject(value) ? applyStrategicPatch(isObject(old) ? old : {}, value, shape) : value
}

function withoutItems(old: Json | undefined, gone: Json): Json | undefined {
  if (!Array.isArray(old) || !Array.isArray(gone)) return old
  return old.filter(each => !gone.some(item => sameJson(item, each)))
}

/** The directives `$patch: replace` and `delete` and `$deleteFromPrimitiveList` are honoured; orders are not. */
export function applyStrategicPatch(target: JsonObject, patch: JsonObject, shape: Shape): JsonObject {
  if (patch[DIRECTIVE] === 'replace') {
    const { [DIRECTIVE]: _, ...rest } = patch
    return clone(rest)
  }
  const result: JsonObject = { ...target }
  const set = (field: string, value: Json | undefined): void => {
    if (value === undefined) delete result[field]
    else result[field] = value
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key.startsWith(SET_ORDER)) continue
    const field = key.startsWith(DELETE_PRIMITIVES) ? key.slice(DELETE_PRIMITIVES.length) : key
    const isDelete = field !== key
    set(
      field,
      isDelete
        ? withoutItems(result[field], value)
        : mergeField(result[key], value, shapeOfField(shape, key)),
    )
  }
  return result
}
