/** One HTTP call to the Kubernetes API server, with a deadline, a size limit and typed outcomes. */
import { readFileSync } from 'node:fs'
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { openConnections } from './connection.ts'

export interface KubeEndpoint {
  readonly url: string
  readonly caFile: string | undefined
  readonly tokenFile: string | undefined
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/apply-patch+yaml'

export interface KubeCall {
  readonly method: Method
  /** Path and query, already encoded. */
  readonly path: string
  readonly body?: unknown
  readonly patch?: PatchType
  readonly timeoutMs?: number
}

/** What the server said: the status is for the caller to judge, the body is parsed JSON (or undefined when empty). */
export interface KubeAnswer {
  readonly status: number
  readonly body: unknown
  /** From a 429 or 503: how long the server asks us to stay away. */
  readonly retryAfterMs: number | undefined
}

export interface Kube extends AsyncDisposable {
  /** Throws AppError API_UNREACHABLE, DEADLINE_PASSED or ANSWER_TOO_LARGE; every HTTP status is an answer. */
  call(call: KubeCall, signal: AbortSignal): Promise<KubeAnswer>
  /** Monotonic time of the last answer of any status; undefined: none yet. */
  lastAnswerAt(): number | undefined
}

const ANSWER_LIMIT = 8 << 20
const TOKEN_AGE_MS = 60_000
const DEFAULT_TIMEOUT_MS = 5000

export function openKube(endpoint: KubeEndpoint, clock: Clock): Kube {
  const connections = openConnections(new URL(endpoint.url), endpoint.caFile)
  const prefix = new URL(endpoint.url).pathname.replace(/\/$/, '')
  const token = tokenReader(endpoint.tokenFile, clock)
  let answeredAt: number | undefined

  return {
    async call(call, signal) {
      const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const deadline = AbortSignal.timeout(timeoutMs)
      try {
        const answer = await connections.exchange({
          method: call.method,
          path: prefix + call.path,
          headers: headersOf(call, token()),
          body: call.body === undefined ? undefined : JSON.stringify(call.body),
          signal: AbortSignal.any([signal, deadline]),
        })
        const text = await readLimited(answer)
        answeredAt = clock.mono()
        return {
          status: answer.statusCode ?? 0,
          body: parseJson(text),
          retryAfterMs: retryAfter(answer.headers['retry-after']),
        }
      } catch (cause) {
        if (cause instanceof AppError || signal.aborted) throw cause
        const what = { method: call.method, path: call.path.split('?')[0], timeoutMs }
        if (deadline.aborted)
          throw new AppError('DEADLINE_PASSED', 'the API server did not answer in time', what, cause)
        throw new AppError('API_UNREACHABLE', 'the API server could not be reached', what, cause)
      }
    },
    lastAnswerAt: () => answeredAt,
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]()
    },
  }
}

function headersOf(call: KubeCall, token: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'hawser-agent',
    ...(call.body === undefined ? {} : { 'content-type': call.patch ?? 'application/json' }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

/** Bound service-account tokens are rotated by the kubelet: the file is read again once a minute. */
function tokenReader(file: string | undefined, clock: Clock): () => string | undefined {
  let token: string | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    if (file === undefined) return undefined
    if (clock.mono() - readAt > TOKEN_AGE_MS) {
      token = readFileSync(file, 'utf8').trim()
      readAt = clock.mono()
    }
    return token
  }
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > ANSWER_LIMIT)
      throw new AppError('ANSWER_TOO_LARGE', 'the API server sent too much', { limit: ANSWER_LIMIT })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** A proxy in between may answer with a page: then there is a status and no body. */
function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfter(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) * 1000 : undefined
}
