/** A zod schema → a structural OpenAPI schema, as custom resource definitions demand it. */
import { z } from 'zod'

type JsonObject = { readonly [key: string]: Json }
export type Json = null | boolean | number | string | Json[] | JsonObject

export function structuralSchema(schema: z.ZodType): Json {
  return structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as Json)
}

/**
 * What is taken out: `additionalProperties: false` (the API server prunes unknown fields anyway, and a newer agent may have
 * more), the pattern that zod writes beside a date-time, and limits that only say "safe integer".
 */
function structural(node: Json): Json {
  if (Array.isArray(node)) return node.map(structural)
  if (node === null || typeof node !== 'object') return node
  const entries = Object.entries(node).flatMap(([key, value]): [string, Json][] => {
    if (key === '$schema' || (key === 'additionalProperties' && value === false)) return []
    if (key === 'pattern' && node['format'] === 'date-time') return []
    if ((key === 'maximum' || key === 'minimum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER)
      return []
    if (key === 'properties' && typeof value === 'object' && value !== null)
      // Names of fields, not words of the schema language: each is a schema of its own.
      return [
        [key, Object.fromEntries(Object.entries(value).map(([name, child]) => [name, structural(child)]))],
      ]
    return [[key, structural(value)]]
  })
  const sound = Object.fromEntries(entries)
  return sound['type'] === 'integer' ? { ...sound, format: 'int64' } : sound
}
