/** Where the API server is and who we are to it: in-cluster account, kubeconfig, or plain arguments. */
import { readFile } from 'node:fs/promises'
import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'

const ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Bound tokens change under a running pod; the kubelet renews them long before their end. */
const TOKEN_FRESH_MS = 60_000
const CONNECT_MS = 5_000

/** How a person wants us to find the API server. */
export type SessionConfig =
  | { readonly kind: 'in-cluster'; readonly host: string; readonly port: string; readonly dir?: string }
  | { readonly kind: 'kubeconfig'; readonly file: string }
  | { readonly kind: 'plain'; readonly server: string; readonly tokenFile?: string; readonly caFile?: string }

export interface Session extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly base: string
  readonly dispatcher: Dispatcher
  /** The headers that say who we are; read again at the latest after a minute, and at once after a 401. */
  credentials(): Promise<Readonly<Record<string, string>>>
  forgetCredentials(): void
}

interface Trust {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly rejectUnauthorized?: boolean
}

export async function openSession(config: SessionConfig, clock: Clock): Promise<Session> {
  switch (config.kind) {
    case 'in-cluster': {
      const dir = config.dir ?? ACCOUNT_DIR
      const host = config.host.includes(':') ? `[${config.host}]` : config.host
      const ca = await readText(`${dir}/ca.crt`)
      return sessionOf(`https://${host}:${config.port}`, { ca }, fileToken(`${dir}/token`), clock)
    }
    case 'plain': {
      const trust = config.caFile === undefined ? {} : { ca: await readText(config.caFile) }
      const token = config.tokenFile === undefined ? async () => ({}) : fileToken(config.tokenFile)
      return sessionOf(config.server, trust, token, clock)
    }
    case 'kubeconfig':
      return openKubeconfig(config.file, clock)
  }
}

/** The library behind it is loaded here only: in a pod it would cost memory and start-up time for nothing. */
async function openKubeconfig(file: string, clock: Clock): Promise<Session> {
  const { openKubeconfigFile } = await import('./kubeconfig.ts')
  const kubeconfig = openKubeconfigFile(file)
  const { ca, cert, key, rejectUnauthorized } = await kubeconfig.read()
  const given = Object.entries({ ca, cert, key, rejectUnauthorized }).filter(
    ([, value]) => value !== undefined,
  )
  const trust: Trust = Object.fromEntries(given)
  return sessionOf(kubeconfig.server, trust, async () => headersOf(await kubeconfig.read()), clock)
}

function headersOf(options: { readonly headers?: unknown; readonly auth?: unknown }): Record<string, string> {
  if (typeof options.auth === 'string')
    return { authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` }
  if (typeof options.headers !== 'object' || options.headers === null) return {}
  return Object.fromEntries(
    Object.entries(options.headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
    ),
  )
}

function fileToken(file: string): () => Promise<Record<string, string>> {
  return async () => ({ authorization: `Bearer ${(await readText(file)).trim()}` })
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', 'could not read a file of the API session', { file }, cause)
  }
}

function sessionOf(
  server: string,
  trust: Trust,
  read: () => Promise<Record<string, string>>,
  clock: Clock,
): Session {
  if (!/^https?:\/\/[^/]/.test(server))
    throw new AppError('CONFIG_INVALID', 'the address of the API server is not an http(s) URL', { server })
  const dispatcher = new Agent({
    connect: { ...trust, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: 15_000 },
    // Deadlines are set per request; a watch must be allowed to be silent.
    bodyTimeout: 0,
    headersTimeout: 0,
    connections: 16,
    // undici 8 would take HTTP/2: one connection for everything, so that one that is stuck holds up the Lease too; and its
    // end has thrown an error that nobody can catch (seen once in some hundred stops).
    allowH2: false,
  })
  let held: { readonly headers: Record<string, string>; readonly at: number } | undefined
  return {
    base: server.replace(/\/+$/, ''),
    dispatcher,
    async credentials() {
      if (held === undefined || clock.mono() - held.at > TOKEN_FRESH_MS)
        held = { headers: await read(), at: clock.mono() }
      return held.headers
    },
    forgetCredentials() {
      held = undefined
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy()
    },
  }
}
