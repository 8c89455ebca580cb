/** Label and field selectors: text → test of an object. */
import { badRequest } from './fault-status.ts'
import { at, type KubeObject } from './json.ts'
import type { Resource } from './resources.ts'

export type Matches = (object: KubeObject) => boolean

const LABEL_KEY = /^([a-z0-9A-Z]([-a-z0-9A-Z.]*[a-z0-9A-Z])?\/)?[a-z0-9A-Z]([-a-z0-9A-Z._]*[a-z0-9A-Z])?$/

type Test = (labels: Readonly<Record<string, string>>) => boolean

/** Splits at commas that are not inside parentheses. */
function requirements(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const char of text) {
    if (char === '(') depth += 1
    if (char === ')') depth -= 1
    if (char === ',' && depth === 0) {
      parts.push(part)
      part = ''
    } else part += char
  }
  parts.push(part)
  return parts.map(each => each.trim()).filter(each => each !== '')
}

function parseRequirement(text: string): Test {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text)
  if (set !== null) {
    const [, key = '', operator, list = ''] = set
    const values = new Set(list.split(',').map(value => value.trim()))
    const isIn: Test = labels => labels[key] !== undefined && values.has(labels[key])
    return operator === 'in' ? isIn : labels => !isIn(labels)
  }
  const equal = /^([^!=\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(text)
  if (equal !== null && LABEL_KEY.test(equal[1] ?? '')) {
    const [, key = '', operator, value] = equal
    return operator === '!=' ? labels => labels[key] !== value : labels => labels[key] === value
  }
  const exists = /^(!?)\s*(\S+)$/.exec(text)
  if (exists !== null && LABEL_KEY.test(exists[2] ?? '')) {
    const [, not, key = ''] = exists
    return labels => (labels[key] !== undefined) === (not === '')
  }
  throw badRequest(`unable to parse requirement: ${text}`)
}

export function parseLabelSelector(text: string): Matches {
  const tests = requirements(text).map(parseRequirement)
  return object => tests.every(test => test(object.metadata.labels ?? {}))
}

function fieldValue(object: KubeObject, field: string): string {
  const value = at(object, ...field.split('.'))
  return value === undefined || value === null ? '' : String(value)
}

export function parseFieldSelector(text: string, resource: Resource): Matches {
  const known = [
    'metadata.name',
    ...(resource.namespaced ? ['metadata.namespace'] : []),
    ...resource.selectable,
  ]
  const tests = requirements(text).map(part => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part)
    if (match === null) throw badRequest(`invalid field selector: "${part}"; can't understand "${part}"`)
    const [, field = '', operator, value = ''] = match
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`)
    return (object: KubeObject) => (fieldValue(object, field) === value) === (operator !== '!=')
  })
  return object => tests.every(test => test(object))
}

/** The two selectors of a list or watch request, as one test. */
export function selectorOf(query: URLSearchParams, resource: Resource): Matches {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', resource)
  return object => labels(object) && fields(object)
}

export function isSelected(query: URLSearchParams): boolean {
  return (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== ''
}
