/** Calls and watches of the test cluster's API server from this process, as administrator. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { AppError } from '#kit/errors.ts'

export interface ApiTarget {
  readonly url: string
  /** Undefined: plain HTTP, as the stand-in of the fast tiers speaks it. */
  readonly caFile: string | undefined
  readonly adminToken: string
}

export type PatchKind = 'json-patch' | 'merge-patch' | 'apply-patch'

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query, encoded. */
  readonly path: string
  readonly body?: unknown
  readonly patch?: PatchKind
  readonly deadlineMs?: number
}

export interface ApiAnswer {
  readonly status: number
  readonly body: ApiObject
}

/** As much of any object as the tests read. */
export interface ApiObject {
  readonly kind?: string
  readonly code?: number
  readonly message?: string
  readonly metadata?: Readonly<Record<string, unknown>> & {
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
  readonly items?: readonly ApiObject[]
}

export type WatchKind = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Api extends AsyncDisposable {
  call(call: ApiCall): Promise<ApiAnswer>
  /** Every object of a collection and every change of it until the signal ends it; lists again after any break. */
  watch(
    path: string,
    onChange: (kind: WatchKind, object: ApiObject) => void,
    signal: AbortSignal,
  ): Promise<void>
}

const PAUSE_MS = 250
const WATCH_SECONDS = 240

export function openApi(target: ApiTarget): Api {
  const dispatcher = new Agent({
    connect: target.caFile === undefined ? {} : { ca: readFileSync(target.caFile) },
  })
  const send = async (call: ApiCall, signal: AbortSignal) =>
    request(target.url + call.path, {
      dispatcher,
      method: call.method,
      signal,
      bodyTimeout: 0,
      headers: { authorization: `Bearer ${target.adminToken}`, ...typeOf(call) },
      body: call.body === undefined ? null : JSON.stringify(call.body),
    })
  const call = async (wanted: ApiCall): Promise<ApiAnswer> => {
    const answer = await send(wanted, AbortSignal.timeout(wanted.deadlineMs ?? 15_000))
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? {} : JSON.parse(text) }
  }
  const watchOnce = async (
    path: string,
    onChange: (kind: WatchKind, object: ApiObject) => void,
    signal: AbortSignal,
  ) => {
    const list = await call({ method: 'GET', path })
    if (list.status !== 200)
      throw new AppError('API_REFUSED', 'a list was refused', { path, status: list.status })
    for (const object of list.body.items ?? []) onChange('ADDED', object)
    const version = list.body.metadata?.resourceVersion ?? ''
    const query = `watch=1&resourceVersion=${version}&timeoutSeconds=${WATCH_SECONDS}`
    const stream = await send(
      { method: 'GET', path: `${path}${path.includes('?') ? '&' : '?'}${query}` },
      signal,
    )
    for await (const line of lines(stream.body)) {
      const { type, object } = JSON.parse(line) as { type: string; object: ApiObject }
      if (type === 'ERROR') return // most often 410: the version is too old
      if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') onChange(type, object)
    }
  }
  return {
    call,
    async watch(path, onChange, signal) {
      while (!signal.aborted) {
        await watchOnce(path, onChange, signal).catch(() => {}) // the API server may be down on purpose
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
      }
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

function typeOf(call: ApiCall): Record<string, string> {
  if (call.body === undefined) return {}
  if (call.patch === undefined) return { 'content-type': 'application/json' }
  return { 'content-type': `application/${call.patch}+${call.patch === 'apply-patch' ? 'yaml' : 'json'}` }
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts.filter(part => part !== '')
  }
}
