/** The embedded stand-in of the Kubernetes API server: one call opens it, `control` makes it suffer. */
import { once } from 'node:events'
import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Tokens } from './api/auth.ts'
import { Connections } from './api/connections.ts'
import { ApiControl } from './api/control.ts'
import { Faults } from './api/faults.ts'
import { startGarbageCollection } from './api/garbage.ts'
import { RequestLog } from './api/request-log.ts'
import { ResourceTable } from './api/resources.ts'
import { seed } from './api/seed.ts'
import { type Serving, serveRequest } from './api/serve-request.ts'
import { Store } from './api/store.ts'
import { type RunningWatch, WATCH_TIMING, type WatchTiming } from './api/watch.ts'

export interface ApiServerOptions {
  /** 127.0.0.1 unless told. */
  readonly host?: string
  /** 0, a free port, unless told. */
  readonly port?: number
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Without it every bearer token is the name of its user. */
  readonly tokens?: Tokens
  readonly timing?: Partial<WatchTiming>
  /** ownerReferences, namespaces and CRDs are collected in the background unless false. */
  readonly collectsGarbage?: boolean
  /** Told about faults of the stand-in itself. */
  readonly onError?: (error: unknown) => void
}

export interface FakeApiServer extends AsyncDisposable {
  /** http://127.0.0.1:PORT, without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly control: ApiControl
  /** The objects themselves; reading is fine, writing goes better through the API. */
  readonly store: Store
}

export async function openApiServer(options: ApiServerOptions, signal: AbortSignal): Promise<FakeApiServer> {
  signal.throwIfAborted()
  const store = new Store()
  const connections = new Connections()
  const watches = new Set<RunningWatch>()
  const log = new RequestLog()
  const faults = new Faults()
  const control = new ApiControl({ store, log, faults, connections, watches })
  const serving: Serving = {
    store,
    resources: new ResourceTable(),
    log,
    faults,
    watches,
    tokens: options.tokens,
    allows: (user, route) => control.allows(user, route),
    timing: { ...WATCH_TIMING, ...options.timing },
  }
  const onError = options.onError ?? (error => console.error('the stand-in API server failed:', error))
  const server = createServer(options, serving, onError)
  connections.track(server)
  const stopCollecting = options.collectsGarbage === false ? () => undefined : startGarbageCollection(serving)
  seed(serving)

  const host = options.host ?? '127.0.0.1'
  server.listen({ host, port: options.port ?? 0 })
  await once(server, 'listening', { signal })

  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', abort)
    stopCollecting()
    for (const watch of [...watches]) watch.end()
    if (!server.listening) return
    server.close()
    connections.resetAll()
    await once(server, 'close')
  }
  const abort = (): void => {
    close().catch(onError)
  }
  signal.addEventListener('abort', abort, { once: true })
  const { port, address } = server.address() as AddressInfo
  const scheme = options.tls === undefined ? 'http' : 'https'
  return { url: `${scheme}://${address}:${port}`, port, control, store, [Symbol.asyncDispose]: close }
}

function createServer(
  options: ApiServerOptions,
  serving: Serving,
  onError: (error: unknown) => void,
): Server {
  const listener = (
    ...[request, response]: Parameters<typeof serveRequest> extends [unknown, ...infer Rest] ? Rest : never
  ): void => {
    serveRequest(serving, request, response).catch(onError)
  }
  // Node ends keep-alive connections after 5 s by default, which clients take for a fault.
  const keep = { keepAliveTimeout: 180_000, requestTimeout: 0 }
  return options.tls === undefined
    ? createHttp(keep, listener)
    : createHttps({ ...keep, ...options.tls }, listener)
}
