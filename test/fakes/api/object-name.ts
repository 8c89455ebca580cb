/** Names of objects: made up from generateName, and checked. */
import { ApiFault, invalid } from './fault-status.ts'
import type { ObjectMeta } from './json.ts'
import type { Resource } from './resources.ts'

/** No vowels and no look-alikes, as the real server picks them. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX = 5

function suffix(): string {
  return Array.from({ length: SUFFIX }, () => LETTERS[Math.floor(Math.random() * LETTERS.length)]).join('')
}

/** The given name, or a free one that starts with generateName; empty if neither was given. */
export function makeName(metadata: Partial<ObjectMeta>, isTaken: (name: string) => boolean): string {
  if (metadata.name !== undefined && metadata.name !== '') return metadata.name
  if (metadata.generateName === undefined || metadata.generateName === '') return ''
  for (;;) {
    const name = `${metadata.generateName}${suffix()}`
    if (!isTaken(name)) return name
  }
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const SAID =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with " +
  "an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/** Roles and their bindings may be named `system:…`. */
const FREE_NAMES = 'rbac.authorization.k8s.io'

export function checkName(resource: Resource, name: string): void {
  const field = 'metadata.name'
  if (name === '') {
    throw invalid(resource, name, [
      { reason: 'FieldValueRequired', message: 'Required value: name or generateName is required', field },
    ])
  }
  if (resource.group === FREE_NAMES) {
    if (/[/%]/.test(name)) throw new ApiFault(422, 'Invalid', `${resource.kind} "${name}" is invalid`)
    return
  }
  if (!SUBDOMAIN.test(name) || name.length > 253) {
    throw invalid(resource, name, [
      { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(name)}: ${SAID}`, field },
    ])
  }
}
