/** The failures an API server answers with: metav1.Status documents with the texts of the real one. */
import type { Json, JsonObject } from './json.ts'
import type { Resource } from './resources.ts'

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly Cause[]
  readonly retryAfterSeconds?: number
}

/** Thrown by any handler; becomes the answer. */
export class ApiFault extends Error {
  readonly code: number
  readonly reason: string | undefined
  readonly details: StatusDetails | undefined
  /** metadata of the Status, for the token that an expired list hands out. */
  readonly listMeta: JsonObject

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    listMeta: JsonObject = {},
  ) {
    super(message)
    this.name = 'ApiFault'
    this.code = code
    this.reason = reason
    this.details = details
    this.listMeta = listMeta
  }
}

export function toStatus(fault: ApiFault): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: fault.listMeta,
    status: 'Failure',
    message: fault.message,
    ...(fault.reason === undefined ? {} : { reason: fault.reason }),
    ...(fault.details === undefined ? {} : { details: fault.details as unknown as Json }),
    code: fault.code,
  }
}

/** `pods`, `leases.coordination.k8s.io`: how messages name a resource. */
export function qualified(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

function qualifiedKind(resource: Resource): string {
  return resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`
}

function about(resource: Resource, name: string, kind: string): StatusDetails {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind }
}

export function notFound(resource: Resource, name: string): ApiFault {
  const message = `${qualified(resource)} "${name}" not found`
  return new ApiFault(404, 'NotFound', message, about(resource, name, resource.plural))
}

export function alreadyExists(resource: Resource, name: string): ApiFault {
  const message = `${qualified(resource)} "${name}" already exists`
  return new ApiFault(409, 'AlreadyExists', message, about(resource, name, resource.plural))
}

export function conflict(resource: Resource, name: string, because: string): ApiFault {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${because}`
  return new ApiFault(409, 'Conflict', message, about(resource, name, resource.plural))
}

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again'

/** Preconditions of a delete are reported against the kind, not the resource. */
export function preconditionFailed(resource: Resource, name: string, because: string): ApiFault {
  const message = `Operation cannot be fulfilled on ${qualifiedKind(resource)} "${name}": ${because}`
  return new ApiFault(409, 'Conflict', message, about(resource, name, resource.kind))
}

export function invalid(
  resource: Resource,
  name: string,
  causes: readonly Cause[],
  kind = resource.kind,
): ApiFault {
  const said = causes.map(cause => `${cause.field}: ${cause.message}`)
  const list = said.length === 1 ? said[0] : `[${said.join(', ')}]`
  const where = resource.group === '' ? kind : `${kind}.${resource.group}`
  return new ApiFault(422, 'Invalid', `${where} "${name}" is invalid: ${list}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind,
    causes,
  })
}

/** What JSON patch answers when a test, or a path, does not hold. */
export function unprocessable(): ApiFault {
  return new ApiFault(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
}

export function badRequest(message: string): ApiFault {
  return new ApiFault(400, 'BadRequest', message)
}

export function noSuchResource(): ApiFault {
  return new ApiFault(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function notAllowed(): ApiFault {
  return new ApiFault(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  )
}

export function expired(message: string, listMeta: JsonObject = {}): ApiFault {
  return new ApiFault(410, 'Expired', message, undefined, listMeta)
}

export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes?: readonly Cause[],
): ApiFault {
  return new ApiFault(429, 'TooManyRequests', message, {
    ...(causes === undefined ? {} : { causes }),
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  })
}
