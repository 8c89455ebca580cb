/** One HTTP request from arrival to answer: log, faults, who, what, handler. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ANONYMOUS, authenticate, forbidden, type Tokens, type User } from './auth.ts'
import { readBody, sendAnswer, sendFault, sendText } from './bodies.ts'
import type { Answer, Call, Served } from './call.ts'
import { plainAddress } from './connections.ts'
import { discover } from './discovery.ts'
import { ApiFault, noSuchResource, notAllowed } from './fault-status.ts'
import type { Faults } from './faults.ts'
import { handleBinding, handleEviction } from './pods.ts'
import { handleGet, handleList } from './read.ts'
import { handleDelete, handleDeleteCollection } from './remove.ts'
import type { LoggedRequest, RequestLog } from './request-log.ts'
import { findResource, parseTarget, type Route, resourceWord, verbOf } from './route.ts'
import { type RunningWatch, startWatch, type WatchTiming } from './watch.ts'
import { handleCreate, handlePatch, handleUpdate } from './write.ts'

export interface Serving extends Served {
  readonly log: RequestLog
  readonly faults: Faults
  readonly watches: Set<RunningWatch>
  readonly tokens: Tokens | undefined
  /** May this user do that? */
  readonly allows: (user: User, route: Route) => boolean
  readonly timing: WatchTiming
}

export async function serveRequest(
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const entry = describe(request, serving.tokens)
  const gone = new AbortController()
  response.once('close', () => {
    entry.code ??= response.headersSent ? response.statusCode : 0
    gone.abort()
  })
  try {
    const body = await readBody(request)
    entry.body = body
    serving.log.add(entry)
    const fate = await serving.faults.suffer(entry, gone.signal)
    if (fate === 'hang') return
    if (fate === 'drop') {
      request.socket.resetAndDestroy()
      return
    }
    const answer = handle(serving, request, response, body)
    if (fate === 'drop-answer') request.socket.resetAndDestroy()
    else if (answer !== undefined) sendFound(response, answer)
    entry.code = response.headersSent ? response.statusCode : 0
  } catch (error) {
    if (gone.signal.aborted) return
    const fault =
      error instanceof ApiFault
        ? error
        : new ApiFault(500, 'InternalError', `Internal error occurred: ${String(error)}`)
    entry.code = fault.code
    if (!response.headersSent) sendFault(response, fault)
    if (!(error instanceof ApiFault)) throw error
  }
}

type Found = Answer | { readonly code: number; readonly text: string }

function sendFound(response: ServerResponse, found: Found): void {
  if ('text' in found) sendText(response, found.code, found.text)
  else sendAnswer(response, found)
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://api')
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Who asks for what, as far as the request says it by itself. */
function describe(request: IncomingMessage, tokens: Tokens | undefined): Mutable<LoggedRequest> {
  const url = urlOf(request)
  const target = parseTarget(url.pathname)
  const verb = target === undefined ? undefined : verbOf(request.method ?? '', target, url.searchParams)
  return {
    atMs: performance.now(),
    user: userName(request.headers.authorization, tokens),
    address: plainAddress(request.socket.remoteAddress),
    verb: verb ?? 'other',
    resource: target === undefined ? url.pathname : resourceWord(target),
    group: target?.group ?? '',
    namespace: target?.namespace,
    name: target?.name,
    query: url.search,
    contentType: contentTypeOf(request),
    body: undefined,
    code: undefined,
  }
}

function userName(header: string | undefined, tokens: Tokens | undefined): string {
  try {
    return authenticate(header, tokens).name
  } catch {
    return ANONYMOUS.name
  }
}

function contentTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
}

function routeOf(serving: Serving, request: IncomingMessage, url: URL): Route | undefined {
  const target = parseTarget(url.pathname)
  if (target === undefined) return undefined
  const resource = findResource(target, serving.resources)
  const verb = verbOf(request.method ?? '', target, url.searchParams)
  if (resource === undefined || verb === undefined) {
    if (target.group !== '') return undefined
    throw noSuchResource()
  }
  const isWrite = verb === 'create' || verb === 'update' || verb === 'patch'
  const lacksName = verb !== 'create' && target.name === undefined
  const lacksNamespace = resource.namespaced && target.namespace === undefined
  if (isWrite && (lacksName || lacksNamespace)) throw notAllowed()
  return { ...target, resource, verb }
}

/** undefined: the answer is a stream that goes on. */
function handle(
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
  body: Call['body'],
): Found | undefined {
  const url = urlOf(request)
  const user = authenticate(request.headers.authorization, serving.tokens)
  const discovered = discover(url.pathname, serving.resources)
  if (discovered !== undefined) return discovered
  const route = routeOf(serving, request, url)
  if (route === undefined) return { code: 404, text: '404 page not found\n' }
  if (!serving.allows(user, route)) throw forbidden(user, route)
  const agent = (request.headers['user-agent'] ?? 'unknown').split('/', 1)[0] ?? 'unknown'
  const manager = url.searchParams.get('fieldManager') ?? agent
  const call: Call = {
    route,
    query: url.searchParams,
    user,
    manager,
    contentType: contentTypeOf(request),
    body,
  }
  if (route.verb === 'watch') {
    const watch = startWatch(serving, call, response, serving.timing)
    serving.watches.add(watch)
    response.once('close', () => serving.watches.delete(watch))
    return undefined
  }
  return answer(serving, call)
}

function answer(served: Served, call: Call): Answer {
  switch (call.route.verb) {
    case 'get':
      return handleGet(served, call)
    case 'list':
    case 'watch':
      return handleList(served, call)
    case 'create':
      if (call.route.subresource === 'binding') return handleBinding(served, call)
      if (call.route.subresource === 'eviction') return handleEviction(served, call)
      return handleCreate(served, call)
    case 'update':
      return handleUpdate(served, call)
    case 'patch':
      return handlePatch(served, call)
    case 'delete':
      return handleDelete(served, call)
    case 'deletecollection':
      return handleDeleteCollection(served, call)
    default:
      throw noSuchResource()
  }
}
