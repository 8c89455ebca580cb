/** watch: the changes of one resource as a stream of lines, with bookmarks, a time-out and 410. */
import type { ServerResponse } from 'node:http'
import type { Call, Served } from './call.ts'
import { ApiFault, expired, toStatus } from './fault-status.ts'
import type { JsonObject, KubeObject } from './json.ts'
import { inVersion } from './read.ts'
import { apiVersionOf, tableOf } from './resources.ts'
import { type Matches, selectorOf } from './selectors.ts'
import type { Change } from './store.ts'

/** The real server's: a bookmark a minute, and one shortly before the time-out. */
export interface WatchTiming {
  readonly bookmarkEveryMs: number
  readonly bookmarkBeforeEndMs: number
}

export const WATCH_TIMING: WatchTiming = { bookmarkEveryMs: 60_000, bookmarkBeforeEndMs: 2_000 }
const DEFAULT_TIMEOUT_S = 1_800
const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' }

/** A running watch, as the control sees it. */
export interface RunningWatch {
  readonly call: Call
  bookmark(): void
  /** Ends the stream as a server that goes away does. */
  end(): void
  /** Sends an ERROR event of 410, then ends. */
  expire(): void
}

interface Start {
  readonly version: number
  /** Objects that exist are sent as ADDED first. */
  readonly isFromScratch: boolean
  /** A bookmark marks the end of these. */
  readonly marksEnd: boolean
}

function parseStart(served: Served, query: URLSearchParams): Start {
  const text = query.get('resourceVersion') ?? ''
  if (text !== '' && !/^\d+$/.test(text)) {
    throw new ApiFault(
      500,
      undefined,
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  const initial = query.get('sendInitialEvents')
  if (initial === 'true' && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw new ApiFault(
      422,
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      { group: 'meta.k8s.io', kind: 'ListOptions' },
    )
  }
  const isFromScratch = initial === null ? text === '' || text === '0' : initial === 'true'
  const version = isFromScratch || text === '' ? served.store.version : Number(text)
  return { version, isFromScratch, marksEnd: initial === 'true' || text === '' }
}

export function startWatch(
  served: Served,
  call: Call,
  response: ServerResponse,
  timing: WatchTiming,
): RunningWatch {
  const { resource, namespace } = call.route
  const { store } = served
  const selects = selectorOf(call.query, resource)
  const inScope = (key: string): boolean => namespace === undefined || key.startsWith(`${namespace}/`)
  const start = parseStart(served, call.query)
  const table = tableOf(resource)
  const wantsBookmarks = ['1', 'true'].includes(call.query.get('allowWatchBookmarks') ?? '')
  response.writeHead(200, { 'content-type': 'application/json' })

  let sent = start.version
  const send = (type: string, object: JsonObject): void => {
    response.write(`${JSON.stringify({ type, object })}\n`)
  }
  const deliver = (change: Change): void => {
    sent = change.version
    const event = inScope(change.key) ? toEvent(change, selects) : undefined
    if (event !== undefined) send(event.type, inVersion(event.object, resource))
  }
  const bookmark = (annotations?: JsonObject): void => {
    const metadata: JsonObject = {
      resourceVersion: String(store.version),
      ...(annotations === undefined ? {} : { annotations }),
    }
    if (wantsBookmarks)
      send('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata })
  }

  const timers: NodeJS.Timeout[] = []
  const unsubscribe = store.subscribe(change => {
    if (change.table === table && change.version > sent) deliver(change)
  })
  const end = (): void => {
    unsubscribe()
    for (const timer of timers) clearTimeout(timer)
    if (!response.writableEnded) response.end()
  }
  const expire = (): void => {
    send('ERROR', toStatus(expired(`too old resource version: ${start.version} (${store.version})`)))
    end()
  }
  response.once('close', end)
  response.flushHeaders()

  if (!start.isFromScratch && start.version < Math.max(store.compactedAt, resource.servedSince)) expire()
  else {
    if (start.isFromScratch)
      sendInitial(served, table, inScope, selects, object => send('ADDED', inVersion(object, resource)))
    else for (const change of store.since(table, start.version)) deliver(change)
    if (start.marksEnd) bookmark(INITIAL_EVENTS_END)
    const timeoutMs = Number(call.query.get('timeoutSeconds') ?? DEFAULT_TIMEOUT_S) * 1_000
    timers.push(setTimeout(end, timeoutMs), setInterval(bookmark, timing.bookmarkEveryMs))
    timers.push(setTimeout(bookmark, Math.max(0, timeoutMs - timing.bookmarkBeforeEndMs)))
  }
  return { call, bookmark: () => bookmark(), end, expire }
}

function sendInitial(
  served: Served,
  table: string,
  inScope: (key: string) => boolean,
  selects: Matches,
  send: (object: KubeObject) => void,
): void {
  for (const [key, object] of served.store.list(table)) {
    if (inScope(key) && selects(object)) send(object)
  }
}

/** An object that enters or leaves the selection is added or deleted as far as this watch knows. */
function toEvent(change: Change, selects: Matches): { type: string; object: KubeObject } | undefined {
  const was = change.previous !== undefined && selects(change.previous)
  const is = change.type !== 'DELETED' && selects(change.object)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: change.object }
  if (!was || change.previous === undefined) return undefined
  if (change.type === 'DELETED') return { type: 'DELETED', object: change.object }
  const metadata = { ...change.previous.metadata, resourceVersion: String(change.version) }
  return { type: 'DELETED', object: { ...change.previous, metadata } }
}
