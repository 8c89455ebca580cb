/** Sets of field paths, and their wire form FieldsV1. */
import { isObject, type JsonObject } from './json.ts'

/** A path is its FieldsV1 elements (`f:spec`, `k:{"type":"A"}`, `v:"a"`), joined by a character that none contains. */
const JOINT = '\u0000'

export function joinPath(elements: readonly string[]): string {
  return elements.join(JOINT)
}

export function splitPath(path: string): string[] {
  return path.split(JOINT)
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(`${ancestor}${JOINT}`)
}

/** Which fields, as paths. `.` of FieldsV1 (the parent itself is a member) is the parent's own path. */
export type FieldSet = ReadonlySet<string>

function collect(node: JsonObject, prefix: readonly string[], into: Set<string>): void {
  for (const [key, child] of Object.entries(node)) {
    if (key === '.') {
      into.add(joinPath(prefix))
      continue
    }
    const path = [...prefix, key]
    if (!isObject(child) || Object.keys(child).length === 0) into.add(joinPath(path))
    else collect(child, path, into)
  }
}

export function parseFieldsV1(fields: JsonObject): Set<string> {
  const result = new Set<string>()
  collect(fields, [], result)
  return result
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const root: JsonObject = {}
  const paths = [...set].map(splitPath).sort((a, b) => a.length - b.length)
  const members = new Set(set)
  for (const path of paths) {
    let here = root
    for (const [depth, element] of path.entries()) {
      const found = here[element]
      const next: JsonObject = isObject(found) ? found : {}
      // A member that also has children says so with a dot.
      const parent = joinPath(path.slice(0, depth))
      if (depth > 0 && members.has(parent)) here['.'] = {}
      here[element] = next
      here = next
    }
  }
  return sortKeys(root)
}

function sortKeys(node: JsonObject): JsonObject {
  const sorted: JsonObject = {}
  for (const key of Object.keys(node).sort()) {
    const child = node[key]
    sorted[key] = isObject(child) ? sortKeys(child) : {}
  }
  return sorted
}

/** `.spec.n`, `.status.conditions[type="A"].status`: how a conflict names a field. */
export function sayPath(path: string): string {
  return splitPath(path)
    .map(element => {
      const body = element.slice(2)
      if (element.startsWith('f:')) return `.${body}`
      if (element.startsWith('k:')) {
        const key = JSON.parse(body) as Record<string, unknown>
        return `[${Object.entries(key)
          .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
          .join(',')}]`
      }
      return element.startsWith('v:') ? `[=${body}]` : `[${body}]`
    })
    .join('')
}

const RANK = ['f', 'k', 'v', 'i']

/** Members of a level come before what lies deeper; in a level fields by name, then items. */
function comparePaths(a: readonly string[], b: readonly string[]): number {
  const depth = a.findIndex((element, i) => element !== b[i])
  const [x = '', y = ''] = [a[depth], b[depth]]
  const deeper = Number(a.length > depth + 1) - Number(b.length > depth + 1)
  return deeper || RANK.indexOf(x.charAt(0)) - RANK.indexOf(y.charAt(0)) || (x < y ? -1 : 1)
}

export function inOrder(set: FieldSet): string[] {
  return [...set].map(splitPath).sort(comparePaths).map(joinPath)
}

export function difference(a: FieldSet, b: FieldSet): Set<string> {
  return new Set([...a].filter(path => !b.has(path)))
}

export function intersection(a: FieldSet, b: FieldSet): Set<string> {
  return new Set([...a].filter(path => b.has(path)))
}

export function union(...sets: readonly FieldSet[]): Set<string> {
  return new Set(sets.flatMap(set => [...set]))
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && [...a].every(path => b.has(path))
}
