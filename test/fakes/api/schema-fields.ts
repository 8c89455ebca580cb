/** Fields that a custom resource's schema does not declare, or declares otherwise: what strict writes and applies refuse. */
import type { Call } from './call.ts'
import { ApiFault, badRequest, invalid } from './fault-status.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { apiVersionOf, type Resource } from './resources.ts'

interface Misfit {
  /** `spec.list[0].field` */
  readonly path: string
  /** The declared type; undefined: the field is not declared at all. */
  readonly expected: string | undefined
}

const ALWAYS = ['apiVersion', 'kind', 'metadata']

function expectedOf(value: Json, schema: JsonObject): string | undefined {
  const type = schema['type']
  if (value === null || schema['x-kubernetes-int-or-string'] === true) return undefined
  const fits: Readonly<Record<string, boolean>> = {
    object: isObject(value),
    array: Array.isArray(value),
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
    integer: Number.isInteger(value),
    number: typeof value === 'number',
  }
  return typeof type === 'string' && fits[type] === false ? type : undefined
}

function* misfits(value: Json, schema: JsonObject, path: string): Generator<Misfit> {
  const expected = expectedOf(value, schema)
  if (expected !== undefined) yield { path, expected }
  else if (Array.isArray(value)) {
    const items = schema['items']
    for (const [i, item] of value.entries()) if (isObject(items)) yield* misfits(item, items, `${path}[${i}]`)
  } else if (isObject(value)) yield* fieldMisfits(value, schema, path)
}

function* fieldMisfits(value: JsonObject, schema: JsonObject, path: string): Generator<Misfit> {
  const properties = schema['properties']
  const rest = schema['additionalProperties']
  const isFree = schema['x-kubernetes-preserve-unknown-fields'] === true || rest === true
  for (const [key, child] of Object.entries(value)) {
    if (path === '' && ALWAYS.includes(key)) continue
    const known = isObject(properties) ? (properties[key] ?? rest) : rest
    const childPath = path === '' ? key : `${path}.${key}`
    if (isObject(known)) yield* misfits(child, known, childPath)
    else if (!isFree) yield { path: childPath, expected: undefined }
  }
}

/** With fieldValidation=Strict: undeclared fields are refused instead of being dropped. */
export function checkStrict(call: Call, value: JsonObject): void {
  const { resource, verb } = call.route
  if (resource.schema === undefined || call.query.get('fieldValidation') !== 'Strict') return
  const unknown = [...misfits(value, resource.schema, '')].filter(({ expected }) => expected === undefined)
  if (unknown.length === 0) return
  const fields = unknown.map(({ path }) => `unknown field "${path}"`).sort()
  const said = `strict decoding error: ${fields.join(', ')}`
  if (verb !== 'patch') {
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${said}`,
    )
  }
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(value))}: ${said}`
  throw invalid({ ...resource, group: '', kind: '' }, '', [
    { reason: 'FieldValueInvalid', message, field: 'patch' },
  ])
}

/** An applied configuration must fit its schema, strict or not: the real server fails on it with 500. */
export function checkTyped(resource: Resource, config: JsonObject): void {
  if (resource.schema === undefined) return
  const first = misfits(config, resource.schema, '').next().value
  if (first === undefined) return
  const why =
    first.expected === undefined
      ? 'field not declared in schema'
      : `expected ${first.expected}, got something else`
  const what = `(/${String((config['metadata'] as JsonObject)['name'])}; ${apiVersionOf(resource)}, Kind=${resource.kind})`
  throw new ApiFault(500, undefined, `failed to create typed patch object ${what}: .${first.path}: ${why}`)
}
