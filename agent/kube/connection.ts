/** Keep-alive connections to one HTTP server, by Node's own client: one exchange at a time on each, four at most. */
import { readFileSync } from 'node:fs'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal
}

export interface Connections extends Disposable {
  /** The head of the answer; its body is still to be read. Rejects with what the socket said, or with the signal's reason. */
  exchange(exchange: Exchange): Promise<IncomingMessage>
}

const AT_ONCE = 4
const IDLE_MS = 30_000
/** A server that is gone must not cost the whole deadline of a call. */
const CONNECT_MS = 2000

export function openConnections(url: URL, caFile: string | undefined): Connections {
  const secure = url.protocol === 'https:'
  const common = { keepAlive: true, maxSockets: AT_ONCE, timeout: IDLE_MS }
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile) }
  const agent = secure ? new HttpsAgent({ ...common, ...ca }) : new HttpAgent(common)
  const open = secure ? httpsRequest : httpRequest

  const once = ({
    method,
    path,
    headers,
    body,
    signal,
  }: Exchange): { call: ClientRequest; answer: Promise<IncomingMessage> } => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const call = open(
      {
        agent,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method,
        path,
        headers: { ...headers, ...length },
        signal,
      },
      resolve,
    )
    call.on('error', reject)
    limitConnect(call, secure)
    call.end(body)
    return { call, answer: promise }
  }

  return {
    async exchange(exchange) {
      const { call, answer } = once(exchange)
      try {
        return await answer
      } catch (error) {
        // The server closed an idle connection at the moment it was used again. All our calls may be repeated.
        if (exchange.signal.aborted || !call.reusedSocket) throw error
        return await once(exchange).answer
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

function limitConnect(call: ClientRequest, secure: boolean): void {
  call.once('socket', socket => {
    if (!socket.connecting) return
    const timer = setTimeout(
      () => call.destroy(new Error(`no connection within ${CONNECT_MS} ms`)),
      CONNECT_MS,
    )
    const stop = (): void => clearTimeout(timer)
    socket.once(secure ? 'secureConnect' : 'connect', stop)
    call.once('close', stop)
  })
}
