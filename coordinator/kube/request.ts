/** One call to the API server: deadline, size limit, and answers that are values or errors with a code. */
import { request } from 'undici'
import { AppError } from '#kit/errors.ts'
import { openDeadline } from './deadline.ts'
import type { Session } from './session.ts'

const DEADLINE_MS = 15_000
const MAX_BYTES = 32 * 1024 * 1024
const SHOWN = 400

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its leading slash, without the query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  readonly deadlineMs?: number
  readonly maxBytes?: number
  readonly signal: AbortSignal
}

export interface Api {
  /** The answer's object; `undefined` when the server says 404. */
  find(call: Call): Promise<unknown>
  /** The answer's object; every refusal is an error. */
  call(call: Call): Promise<unknown>
  /** The answer's body as it comes: for watches, whose caller reads and ends it. */
  stream(call: Call): Promise<AsyncIterable<Buffer>>
}

export function openApi(session: Session, userAgent: string): Api {
  const send = async (call: Call, signal: AbortSignal) => {
    const query = new URLSearchParams(call.query).toString()
    return request(`${session.base}${call.path}${query === '' ? '' : `?${query}`}`, {
      method: call.method,
      dispatcher: session.dispatcher,
      headers: {
        ...(await session.credentials()),
        accept: 'application/json',
        'user-agent': userAgent,
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal,
    })
  }

  const answer = async (call: Call): Promise<{ readonly status: number; readonly text: string }> => {
    const deadlineMs = call.deadlineMs ?? DEADLINE_MS
    using deadline = openDeadline(call.signal, deadlineMs)
    try {
      const { statusCode, body } = await send(call, deadline.signal)
      const text = await readBody(body, call.maxBytes ?? MAX_BYTES, call.path)
      if (statusCode === 401) session.forgetCredentials()
      return { status: statusCode, text }
    } catch (cause) {
      call.signal.throwIfAborted()
      if (cause instanceof AppError) throw cause
      const { method, path } = call
      throw new AppError(
        'API_UNREACHABLE',
        'the API server did not answer',
        { method, path, deadlineMs },
        cause,
      )
    }
  }

  return {
    async find(call) {
      const { status, text } = await answer(call)
      if (status === 404) return undefined
      return accepted(call, status, text)
    },
    async call(call) {
      const { status, text } = await answer(call)
      return accepted(call, status, text)
    },
    async stream(call) {
      // The deadline covers the time to the headers only: what follows is the caller's, and ends with its signal.
      const whole = new AbortController()
      using deadline = openDeadline(call.signal, call.deadlineMs ?? DEADLINE_MS)
      deadline.signal.addEventListener('abort', () => whole.abort(deadline.signal.reason), { once: true })
      try {
        const { statusCode, body } = await send(call, AbortSignal.any([call.signal, whole.signal]))
        if (statusCode === 200) return body
        if (statusCode === 401) session.forgetCredentials()
        throw refusal(call, statusCode, await readBody(body, MAX_BYTES, call.path))
      } catch (cause) {
        call.signal.throwIfAborted()
        if (cause instanceof AppError) throw cause
        throw new AppError('API_UNREACHABLE', 'a watch could not be opened', { path: call.path }, cause)
      }
    },
  }
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number, path: string): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > maxBytes)
      throw new AppError('ANSWER_TOO_LARGE', 'an answer of the API server is too large', { path, maxBytes })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function accepted(call: Call, status: number, text: string): unknown {
  if (status < 200 || status > 299) throw refusal(call, status, text)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const { method, path } = call
    throw new AppError(
      'WIRE_MALFORMED',
      'an answer of the API server is not JSON',
      { method, path, status },
      cause,
    )
  }
}

function refusal(call: Call, status: number, text: string): AppError {
  const fields = { method: call.method, path: call.path, status, ...readStatus(text) }
  switch (status) {
    case 409:
      return new AppError('API_CONFLICT', 'the object is there already or has changed', fields)
    case 410:
      return new AppError('API_GONE', 'the version asked for is gone', fields)
    case 429:
    case 502:
    case 503:
    case 504:
      return new AppError('API_UNREACHABLE', 'the API server cannot serve the request now', fields)
    default:
      return new AppError('API_REFUSED', 'the API server refused the request', fields)
  }
}

/** `reason` and `message` of a Kubernetes Status; of anything else the first characters. */
function readStatus(text: string): { readonly reason?: string; readonly answer: string } {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: unknown; message?: unknown }
    if (typeof message === 'string')
      return { ...(typeof reason === 'string' ? { reason } : {}), answer: message.slice(0, SHOWN) }
  } catch {
    // Not a Status: a proxy's page, or nothing.
  }
  return { answer: text.slice(0, SHOWN) }
}

/** Whether an error says that the server no longer has the version that was asked for. */
export function isGone(error: unknown): boolean {
  return error instanceof AppError && error.code === 'API_GONE'
}

export function isConflict(error: unknown): boolean {
  return error instanceof AppError && error.code === 'API_CONFLICT'
}

/** Whether the kind or the object is not there (yet). */
export function isAbsent(error: unknown): boolean {
  return error instanceof AppError && error.fields['status'] === 404
}
