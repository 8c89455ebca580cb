/** get and list. */
import type { Answer, Call, Served } from './call.ts'
import { ApiFault, badRequest, expired, notFound } from './fault-status.ts'
import type { JsonObject, KubeObject } from './json.ts'
import { apiVersionOf, type Resource, tableOf } from './resources.ts'
import { isSelected, selectorOf } from './selectors.ts'
import { keyOf } from './store.ts'

export function getObject(
  served: Served,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): KubeObject {
  const found = served.store.get(tableOf(resource), keyOf(namespace, name))
  if (found === undefined) throw notFound(resource, name)
  return found
}

export function handleGet(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  return { code: 200, body: inVersion(getObject(served, resource, namespace, name), resource) }
}

/** Every version of a custom resource shows the same object under its own apiVersion. */
export function inVersion(object: KubeObject, resource: Resource): JsonObject {
  const { kind: _k, apiVersion: _v, metadata, ...rest } = object
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata,
    ...rest,
  } as unknown as JsonObject
}

interface Token {
  readonly rv: number
  readonly start: string
}

function encodeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url')
}

function decodeToken(text: string): Token {
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Token
    if (typeof rv === 'number' && typeof start === 'string') return { rv, start }
  } catch {
    // said below
  }
  throw badRequest('invalid continue token: continue key is not valid')
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.'

/** From which version and key a list goes on. */
function startOf(served: Served, query: URLSearchParams): Token {
  const { store } = served
  const text = query.get('continue') ?? ''
  if (text === '') return { rv: versionAsked(served, query), start: '' }
  const token = decodeToken(text)
  // -1: the token of an expired list, which goes on with whatever is there now.
  if (token.rv === -1) return { rv: store.version, start: token.start }
  if (token.rv < store.compactedAt)
    throw expired(TOO_OLD, { continue: encodeToken({ rv: -1, start: token.start }) })
  return token
}

function versionAsked(served: Served, query: URLSearchParams): number {
  const { store } = served
  const asked = Number(query.get('resourceVersion') ?? '0')
  if (asked > store.version) {
    const message = `Timeout: Too large resource version: ${asked}, current: ${store.version}`
    throw new ApiFault(504, 'Timeout', message, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    })
  }
  if (query.get('resourceVersionMatch') !== 'Exact') return store.version
  if (asked < store.compactedAt) throw expired(`The resourceVersion for the provided list is too old.`)
  return asked
}

export function handleList(served: Served, call: Call): Answer {
  const { resource, namespace } = call.route
  const selects = selectorOf(call.query, resource)
  const { rv, start } = startOf(served, call.query)
  const inScope = served.store
    .list(tableOf(resource), rv)
    .filter(([key]) => namespace === undefined || key.startsWith(`${namespace}/`))
  const left = inScope.filter(([key, object]) => key >= start && selects(object))
  const limit = Number(call.query.get('limit') ?? '0')
  const page = limit > 0 ? left.slice(0, limit) : left
  const isPartial = page.length < left.length
  const remaining = left.length - page.length
  const metadata: JsonObject = {
    resourceVersion: String(rv),
    ...(isPartial ? { continue: encodeToken({ rv, start: `${page.at(-1)?.[0]}\u0000` }) } : {}),
    ...(isPartial && !isSelected(call.query) ? { remainingItemCount: remaining } : {}),
  }
  const items = page.map(([, object]) => toItem(object, resource))
  return {
    code: 200,
    body: { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items },
  }
}

/** Items of built-in kinds do not repeat their kind; those of custom resources do. */
function toItem(object: KubeObject, resource: Resource): JsonObject {
  if (resource.schema !== undefined) return inVersion(object, resource)
  const { kind: _k, apiVersion: _v, ...item } = object
  return item as unknown as JsonObject
}
