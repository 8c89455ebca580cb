/** HTTP on the unix socket: status and decisions for people and the CLI, fence-peer for DRBD's handler. */

import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { AppError } from '#kit/errors.ts'

/** A finished answer: `body` is sent as JSON, or as it is when it is text. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** One route: what it answers, given the parsed body of a POST (undefined for GET). The signal ends with the client. */
export type Route = (body: unknown, signal: AbortSignal) => Answer | Promise<Answer>

export type Routes = Readonly<Record<`${'GET' | 'POST'} /${string}`, Route>>

const BODY_LIMIT = 16 << 10
const CONNECTION_LIMIT = 256

/** Listens on `path` (mode 0660). A stale socket is replaced, a live one or another kind of file is refused (SOCKET_BUSY). */
export async function openStatusServer(path: string, routes: Routes): Promise<AsyncDisposable> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  await removeStale(path)
  const server = createServer((request, response) => {
    void answer(routes, request, response)
  })
  server.maxConnections = CONNECTION_LIMIT
  server.headersTimeout = 5000
  server.requestTimeout = 10_000
  // Nobody else may connect between bind and chmod.
  const umask = process.umask(0o117)
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch (cause) {
    throw new AppError('SOCKET_BUSY', 'the status socket cannot be opened', { path }, cause)
  } finally {
    process.umask(umask)
  }
  chmodSync(path, 0o660)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]().catch(() => undefined)
    },
  }
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const key = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`
  const route = Object.hasOwn(routes, key) ? routes[key as keyof Routes] : undefined
  try {
    if (route === undefined)
      return send(response, { status: 404, body: { error: 'no such path', paths: Object.keys(routes) } })
    const body = request.method === 'POST' ? await readBody(request) : undefined
    send(response, await route(body, gone.signal))
  } catch (error) {
    if (gone.signal.aborted) return
    const refused = error instanceof AppError && error.code === 'ARGUMENT_INVALID'
    send(response, {
      status: refused ? 400 : 500,
      body: { error: refused ? error.message : 'internal fault' },
    })
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.destroyed) return
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  response.end(text)
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > BODY_LIMIT)
      throw new AppError('ARGUMENT_INVALID', `the body is larger than ${BODY_LIMIT} bytes`)
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch (cause) {
    throw new AppError('ARGUMENT_INVALID', 'the body is not JSON', {}, cause)
  }
}

/** A socket that nobody answers on is left over from a killed agent; everything else belongs to somebody. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new AppError('SOCKET_BUSY', 'the status socket path holds something that is not a socket', { path })
  if (await somebodyAnswers(path))
    throw new AppError('SOCKET_BUSY', 'another agent answers on the status socket', { path })
  rmSync(path)
}

function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(path)
    probe.setTimeout(1000, () => probe.destroy(new Error('no answer')))
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
}
