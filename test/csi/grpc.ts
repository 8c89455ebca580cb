/** Unary gRPC calls over a unix socket, served with Node's own HTTP/2: five bytes of frame, a message, a status in the trailers. */
import { mkdir, rm } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { dirname } from 'node:path'
import { AppError, sayError } from '#kit/errors.ts'

/** By full name: `/csi.v1.Node/NodeGetInfo`. */
export type GrpcMethods = Readonly<
  Record<string, (message: Buffer, signal: AbortSignal) => Buffer | Promise<Buffer>>
>

const UNIMPLEMENTED = 12
const INTERNAL = 13
const FRAME_HEAD = 5
const REQUEST_LIMIT = 1 << 20

export async function openGrpcServer(
  path: string,
  methods: GrpcMethods,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true })
  await rm(path, { force: true })
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', session => {
    sessions.add(session.on('close', () => sessions.delete(session)))
    session.on('error', () => session.destroy())
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {}) // the caller went away; the method's own signal says so
    void serve(stream, headers, methods, signal)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  return {
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: GrpcMethods,
  signal: AbortSignal,
): Promise<void> {
  const method = methods[String(headers[':path'])]
  if (!method) return answer(stream, UNIMPLEMENTED, 'no such method')
  const gone = new AbortController()
  stream.once('close', () => gone.abort())
  try {
    const message = unframe(await readAll(stream))
    answer(stream, 0, '', await method(message, AbortSignal.any([signal, gone.signal])))
  } catch (error) {
    answer(stream, INTERNAL, sayError(error))
  }
}

function answer(stream: ServerHttp2Stream, status: number, text: string, message?: Buffer): void {
  if (stream.destroyed) return
  // percent-encoded, as gRPC wants it; a header line has a limit
  const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(text.slice(0, 1000)) }
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  if (!message) {
    stream.respond({ ...head, ...trailers }, { endStream: true })
    return
  }
  stream.respond(head, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(frame(message))
}

async function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > REQUEST_LIMIT)
      throw new AppError('ANSWER_TOO_LARGE', 'a gRPC request is too large', { limit: REQUEST_LIMIT })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** The one message of a unary call; nobody negotiated compression. */
export function unframe(bytes: Buffer): Buffer {
  const message = bytes.subarray(FRAME_HEAD)
  if (bytes.length < FRAME_HEAD || bytes[0] !== 0 || bytes.readUInt32BE(1) !== message.length)
    throw new AppError('WIRE_MALFORMED', 'not one uncompressed gRPC message', { length: bytes.length })
  return message
}
