/** JSON patch (RFC 6902), as the API server reads it. */
import { badRequest, unprocessable } from './fault-status.ts'
import { clone, isObject, type Json, type JsonObject, sameJson } from './json.ts'

type Container = Json[] | JsonObject

function parsePointer(text: Json | undefined): string[] {
  if (typeof text !== 'string') throw unprocessable()
  if (text === '') return []
  if (!text.startsWith('/')) throw unprocessable()
  return text
    .slice(1)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function childOf(container: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(container)) return /^(0|[1-9]\d*)$/.test(key) ? container[Number(key)] : undefined
  return isObject(container) && Object.hasOwn(container, key) ? container[key] : undefined
}

function resolve(document: Json, pointer: readonly string[]): Json | undefined {
  let here: Json | undefined = document
  for (const key of pointer) here = childOf(here, key)
  return here
}

function parentOf(document: Json, pointer: readonly string[]): { parent: Container; key: string } {
  const parent = resolve(document, pointer.slice(0, -1))
  const key = pointer.at(-1)
  if (key === undefined || !(Array.isArray(parent) || isObject(parent))) throw unprocessable()
  return { parent, key }
}

function indexOf(key: string, last: number): number {
  const index = Number(key)
  if (!/^(0|[1-9]\d*)$/.test(key) || index > last) throw unprocessable()
  return index
}

function add(document: Json, pointer: readonly string[], value: Json): void {
  const { parent, key } = parentOf(document, pointer)
  if (Array.isArray(parent))
    parent.splice(key === '-' ? parent.length : indexOf(key, parent.length), 0, value)
  else parent[key] = value
}

function remove(document: Json, pointer: readonly string[]): Json {
  const { parent, key } = parentOf(document, pointer)
  const found = childOf(parent, key)
  if (found === undefined) throw unprocessable()
  if (Array.isArray(parent)) parent.splice(indexOf(key, parent.length - 1), 1)
  else delete parent[key]
  return found
}

function replace(document: Json, pointer: readonly string[], value: Json): void {
  const { parent, key } = parentOf(document, pointer)
  // In a map an absent key is added: the API server's library does so, against the RFC.
  if (Array.isArray(parent)) parent[indexOf(key, parent.length - 1)] = value
  else parent[key] = value
}

function step(document: Json, operation: JsonObject): void {
  const pointer = parsePointer(operation['path'])
  const value = operation['value']
  switch (operation['op']) {
    case 'test':
      // An absent value and null are the same to the API server's patch library.
      if (!sameJson(resolve(document, pointer) ?? null, value ?? null)) throw unprocessable()
      return
    case 'add':
      add(document, pointer, clone(value ?? null))
      return
    case 'replace':
      replace(document, pointer, clone(value ?? null))
      return
    case 'remove':
      remove(document, pointer)
      return
    case 'move':
      add(document, pointer, remove(document, parsePointer(operation['from'])))
      return
    case 'copy': {
      const from = resolve(document, parsePointer(operation['from']))
      if (from === undefined) throw unprocessable()
      add(document, pointer, clone(from))
      return
    }
    default:
      throw unprocessable()
  }
}

/** A new document; the first operation that does not hold refuses the whole patch. */
export function applyJsonPatch(document: JsonObject, patch: Json): JsonObject {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    )
  }
  const result = clone(document)
  for (const operation of patch) {
    if (!isObject(operation)) throw unprocessable()
    step(result, operation)
  }
  return result
}
