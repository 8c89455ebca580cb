/** Custom resources against their structural schema: defaults, pruning of unknown fields, validation (no CEL). */
import type { Cause } from './fault-status.ts'
import { at, clone, isObject, type Json, type JsonObject, sameJson } from './json.ts'

const KEEP = 'x-kubernetes-preserve-unknown-fields'
const INT_OR_STRING = 'x-kubernetes-int-or-string'

function propertiesOf(schema: JsonObject): JsonObject {
  const properties = schema['properties']
  return isObject(properties) ? properties : {}
}

/** Fills in defaults and drops what the schema does not know. */
export function conform(value: Json, schema: JsonObject, isRoot = true): Json {
  if (Array.isArray(value)) {
    const items = schema['items']
    return isObject(items) ? value.map(item => conform(item, items, false)) : value
  }
  if (!isObject(value)) return value
  const properties = propertiesOf(schema)
  const rest = schema['additionalProperties']
  const keepsAll = schema[KEEP] === true || rest === true
  const result: JsonObject = {}
  for (const [key, child] of Object.entries(value)) {
    const known = properties[key]
    if (isRoot && ['apiVersion', 'kind', 'metadata'].includes(key)) result[key] = child
    else if (isObject(known)) result[key] = conform(child, known, false)
    else if (isObject(rest)) result[key] = conform(child, rest, false)
    else if (keepsAll) result[key] = child
  }
  for (const [key, property] of Object.entries(properties)) {
    const fallback = at(property, 'default')
    if (fallback !== undefined && result[key] === undefined && isObject(property)) {
      result[key] = conform(clone(fallback), property, false)
    }
  }
  return result
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function fits(value: Json, schema: JsonObject): boolean {
  const wanted = schema['type']
  const seen = typeOf(value)
  if (seen === 'null') return schema['nullable'] === true
  if (schema[INT_OR_STRING] === true) return seen === 'integer' || seen === 'string'
  return wanted === undefined || wanted === seen || (wanted === 'number' && seen === 'integer')
}

interface Check {
  readonly keyword: string
  readonly fails: (value: Json, limit: Json) => boolean
  readonly says: (field: string, limit: Json) => string
}

const num = (value: Json): number => Number(value)
const size = (value: Json): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value ?? {}).length
const isText = (value: Json): value is string => typeof value === 'string'

const CHECKS: readonly Check[] = [
  {
    keyword: 'minimum',
    fails: (v, m) => num(v) < num(m),
    says: (f, m) => `${f} in body should be greater than or equal to ${m}`,
  },
  {
    keyword: 'maximum',
    fails: (v, m) => num(v) > num(m),
    says: (f, m) => `${f} in body should be less than or equal to ${m}`,
  },
  {
    keyword: 'minLength',
    fails: (v, m) => size(v) < num(m),
    says: (f, m) => `${f} in body should be at least ${m} chars long`,
  },
  {
    keyword: 'maxLength',
    fails: (v, m) => size(v) > num(m),
    says: (f, m) => `${f} in body should be at most ${m} chars long`,
  },
  {
    keyword: 'pattern',
    fails: (v, m) => isText(v) && !new RegExp(String(m)).test(v),
    says: (f, m) => `${f} in body should match '${m}'`,
  },
  {
    keyword: 'minItems',
    fails: (v, m) => size(v) < num(m),
    says: (f, m) => `${f} in body should have at least ${m} items`,
  },
  { keyword: 'maxItems', fails: (v, m) => size(v) > num(m), says: (_, m) => `must have at most ${m} items` },
]

function invalidValue(field: string, value: Json, message: string): Cause {
  const shown = typeof value === 'object' && value !== null ? JSON.stringify(value) : JSON.stringify(value)
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${message}`, field }
}

function checkScalar(value: Json, schema: JsonObject, field: string): Cause[] {
  const causes: Cause[] = []
  const allowed = schema['enum']
  if (Array.isArray(allowed) && !allowed.some(each => sameJson(each, value))) {
    const list = allowed.map(each => JSON.stringify(each)).join(', ')
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`
    causes.push({ reason: 'FieldValueNotSupported', message, field })
  }
  for (const check of CHECKS) {
    const limit = schema[check.keyword]
    if (limit !== undefined && check.fails(value, limit))
      causes.push(invalidValue(field, value, check.says(field, limit)))
  }
  if (schema['format'] === 'date-time' && isText(value) && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value)) {
    causes.push(
      invalidValue(field, value, `${field} in body must be of type date-time: ${JSON.stringify(value)}`),
    )
  }
  return causes
}

function checkObject(value: JsonObject, schema: JsonObject, field: string): Cause[] {
  const child = (key: string): string => (field === '' ? key : `${field}.${key}`)
  const required = schema['required']
  const missing = (Array.isArray(required) ? required : [])
    .filter(key => value[String(key)] === undefined)
    .map(
      (key): Cause => ({
        reason: 'FieldValueRequired',
        message: 'Required value',
        field: child(String(key)),
      }),
    )
  const rest = schema['additionalProperties']
  const properties = propertiesOf(schema)
  const inner = Object.entries(value).flatMap(([key, each]) => {
    const known = properties[key] ?? rest
    return isObject(known) ? check(each, known, child(key)) : []
  })
  return [...missing, ...inner]
}

function checkList(value: readonly Json[], schema: JsonObject, field: string): Cause[] {
  const items = schema['items']
  const inner = isObject(items) ? value.flatMap((each, i) => check(each, items, `${field}[${i}]`)) : []
  const keys = schema['x-kubernetes-list-map-keys']
  const seen = new Set<string>()
  const isSet = schema['x-kubernetes-list-type'] === 'set'
  if (!isSet && !Array.isArray(keys)) return inner
  const twice = value.flatMap((each, i): Cause[] => {
    const id = JSON.stringify(isSet ? each : (keys as Json[]).map(key => at(each, String(key)) ?? null))
    if (!seen.has(id)) {
      seen.add(id)
      return []
    }
    return [
      {
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: ${JSON.stringify(each)}`,
        field: `${field}[${i}]`,
      },
    ]
  })
  return [...inner, ...twice]
}

function check(value: Json, schema: JsonObject, field: string): Cause[] {
  if (!fits(value, schema)) {
    const seen = typeOf(value)
    const message = `Invalid value: ${JSON.stringify(seen)}: ${field} in body must be of type ${schema['type']}: ${JSON.stringify(seen)}`
    return [{ reason: 'FieldValueTypeInvalid', message, field }]
  }
  const own = checkScalar(value, schema, field)
  if (Array.isArray(value)) return [...own, ...checkList(value, schema, field)]
  return isObject(value) ? [...own, ...checkObject(value, schema, field)] : own
}

/** What is wrong with a custom resource; empty when nothing is. */
export function checkSchema(value: JsonObject, schema: JsonObject): Cause[] {
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = value
  const { required: _r, ...root } = schema
  const wanted = Array.isArray(schema['required'])
    ? schema['required'].filter(key => !['apiVersion', 'kind', 'metadata'].includes(String(key)))
    : []
  return check(rest, { ...root, required: wanted }, '').sort((a, b) =>
    (a.field ?? '').localeCompare(b.field ?? ''),
  )
}
