/** Health, readiness and metrics over HTTP, for the kubelet and for Prometheus. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { AppError } from '#kit/errors.ts'

export interface ProbesPorts {
  /** What is not ready yet; empty: ready. */
  readonly missing: () => readonly string[]
  readonly metrics: () => string
}

export interface Probes extends AsyncDisposable {
  readonly port: number
}

/** `host:port`; port 0 takes a free one. */
export async function openProbes(
  listen: { readonly host: string; readonly port: number },
  ports: ProbesPorts,
): Promise<Probes> {
  const server = createServer((request, response) => {
    const { status, text } = answer(request.url ?? '', ports)
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(text)
  })
  // Nobody has a body to send or a reason to linger.
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  server.maxConnections = 64
  try {
    server.listen(listen.port, listen.host)
    await once(server, 'listening')
  } catch (cause) {
    throw new AppError('PORT_BUSY', 'could not listen for probes', { ...listen }, cause)
  }
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}

function answer(url: string, ports: ProbesPorts): { readonly status: number; readonly text: string } {
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return { status: 200, text: 'ok\n' }
    case '/readyz': {
      const missing = ports.missing()
      return missing.length === 0
        ? { status: 200, text: 'ok\n' }
        : { status: 503, text: `not synced yet: ${missing.join(', ')}\n` }
    }
    case '/metrics':
      return { status: 200, text: ports.metrics() }
    default:
      return { status: 404, text: 'there are /healthz, /readyz and /metrics\n' }
  }
}
