/** Arguments and environment → a frozen Config, or a refusal that names the argument. */
import { parseArgs } from 'node:util'
import { isNodeName, type NodeName } from '#kit/brand.ts'
import { AppError } from '#kit/errors.ts'
import { BEAT_PORT, SOCKET_PATH, STATE_DIR } from '#protocol/names.ts'
import { DEFAULT_LEASE, type LeasePolicy } from './state/mesh-model.ts'

export interface ApiConfig {
  readonly url: string
  readonly caFile: string | undefined
  readonly tokenFile: string | undefined
}

export interface Config {
  readonly node: NodeName
  /** A file, or undefined: the ConfigMap hawser-members. */
  readonly membersFile: string | undefined
  readonly keyFile: string
  /** Undefined: no API server is configured, the agent fences but deletes nothing. */
  readonly api: ApiConfig | undefined
  readonly socketPath: string
  readonly stateDir: string
  /** The fence-peer program to install into `<stateDir>/bin`. */
  readonly helper: string
  /** The program that holds the watchdog beyond the agent's death. */
  readonly holder: string
  readonly watchdog: string | undefined
  readonly beatPort: number
  readonly lease: LeasePolicy
  readonly takeoverMs: number
  readonly logLevel: string
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export const USAGE = `hawser-agent: one per node, privileged

  --node NAME           Kubernetes name of this node (env NODE_NAME)
  --members FILE        the agents that vote, as JSON; without it the ConfigMap hawser-members
  --key-file FILE       cluster key, at least 32 bytes (/etc/hawser/key)
  --api URL             Kubernetes API server; in a pod it is found by itself; "none": without
  --api-ca FILE         its certificate authority
  --api-token-file FILE bearer token
  --socket PATH         status socket (${SOCKET_PATH})
  --state-dir DIR       what must survive a restart (${STATE_DIR})
  --helper FILE         fence-peer program, installed to STATE-DIR/bin (/hawser/fence-peer)
  --holder FILE         program that holds the watchdog beyond the agent's death (/hawser/watchdog-holder)
  --watchdog DEVICE     watchdog device (/dev/watchdog); "off": this node cannot be proven dead
  --beat-port N         UDP port of the beats (${BEAT_PORT})
  --lease-ms N          (${DEFAULT_LEASE.leaseMs})   --watchdog-ms N  (${DEFAULT_LEASE.watchdogMs})   --margin-ms N  (${DEFAULT_LEASE.marginMs})
  --beat-ms N           (${DEFAULT_LEASE.beatMs})    --suspect-ms N   (${DEFAULT_LEASE.suspectMs})    --takeover-ms N (1500)
  --log-level LEVEL     trace, debug, info, warn, error (info)
  --help
`

const OPTIONS = {
  node: { type: 'string' },
  members: { type: 'string' },
  'key-file': { type: 'string' },
  api: { type: 'string' },
  'api-ca': { type: 'string' },
  'api-token-file': { type: 'string' },
  socket: { type: 'string' },
  'state-dir': { type: 'string' },
  helper: { type: 'string' },
  holder: { type: 'string' },
  watchdog: { type: 'string' },
  'beat-port': { type: 'string' },
  'lease-ms': { type: 'string' },
  'watchdog-ms': { type: 'string' },
  'margin-ms': { type: 'string' },
  'beat-ms': { type: 'string' },
  'suspect-ms': { type: 'string' },
  'takeover-ms': { type: 'string' },
  'log-level': { type: 'string' },
  help: { type: 'boolean' },
} as const

type Env = Readonly<Record<string, string | undefined>>

/** Returns `help` when asked for it; throws AppError ARGUMENT_INVALID otherwise on anything it does not understand. */
export function parseConfig(argv: readonly string[], env: Env): Config | 'help' {
  const values = readArguments(argv)
  if (values.help === true) return 'help'
  const node = values.node ?? env['NODE_NAME'] ?? ''
  if (!isNodeName(node))
    refuse('--node', `${JSON.stringify(node)} is not a Kubernetes node name (give --node or NODE_NAME)`)
  const watchdog = values.watchdog ?? '/dev/watchdog'
  return Object.freeze({
    node,
    membersFile: values.members,
    keyFile: values['key-file'] ?? '/etc/hawser/key',
    api: apiOf(values, env),
    socketPath: socketPathOf(values.socket ?? SOCKET_PATH),
    stateDir: values['state-dir'] ?? STATE_DIR,
    helper: values.helper ?? '/hawser/fence-peer',
    holder: values.holder ?? '/hawser/watchdog-holder',
    watchdog: watchdog === 'off' ? undefined : watchdog,
    beatPort: whole('--beat-port', values['beat-port'], BEAT_PORT, 1, 65_535),
    lease: leaseOf(values),
    takeoverMs: whole('--takeover-ms', values['takeover-ms'], 1500, 100, 60_000),
    logLevel: oneOf('--log-level', values['log-level'] ?? 'info', [
      'trace',
      'debug',
      'info',
      'warn',
      'error',
    ]),
  })
}

type Values = ReturnType<typeof readArguments>

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (cause) {
    throw new AppError(
      'ARGUMENT_INVALID',
      cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause),
    )
  }
}

function leaseOf(values: Values): LeasePolicy {
  const lease = {
    leaseMs: whole('--lease-ms', values['lease-ms'], DEFAULT_LEASE.leaseMs, 500, 600_000),
    // The kernel's interface counts whole seconds.
    watchdogMs: whole('--watchdog-ms', values['watchdog-ms'], DEFAULT_LEASE.watchdogMs, 1000, 600_000),
    // A feed may be late by a part of it, and a reset takes its time.
    marginMs: whole('--margin-ms', values['margin-ms'], DEFAULT_LEASE.marginMs, 300, 600_000),
    beatMs: whole('--beat-ms', values['beat-ms'], DEFAULT_LEASE.beatMs, 20, 10_000),
    suspectMs: whole('--suspect-ms', values['suspect-ms'], DEFAULT_LEASE.suspectMs, 50, 60_000),
  }
  if (lease.watchdogMs % 1000 !== 0)
    refuse('--watchdog-ms', 'the kernel counts whole seconds: give a multiple of 1000')
  if (lease.beatMs * 3 > lease.leaseMs) refuse('--beat-ms', 'three beats must fit into the lease')
  if (lease.suspectMs < lease.beatMs * 2)
    refuse('--suspect-ms', 'at least two beats must be missed before suspicion')
  return lease
}

function apiOf(values: Values, env: Env): ApiConfig | undefined {
  if (values.api === 'none') return undefined
  if (values.api !== undefined) {
    if (!URL.canParse(values.api)) refuse('--api', `${JSON.stringify(values.api)} is not a URL`)
    return {
      url: values.api.replace(/\/+$/, ''),
      caFile: values['api-ca'],
      tokenFile: values['api-token-file'],
    }
  }
  const host = env['KUBERNETES_SERVICE_HOST']
  if (host === undefined) return undefined
  const bracketed = host.includes(':') ? `[${host}]` : host
  return {
    url: `https://${bracketed}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
    caFile: values['api-ca'] ?? `${SERVICE_ACCOUNT}/ca.crt`,
    tokenFile: values['api-token-file'] ?? `${SERVICE_ACCOUNT}/token`,
  }
}

function socketPathOf(path: string): string {
  // sun_path holds 108 bytes with its final NUL; a longer path would be cut silently.
  if (Buffer.byteLength(path) > 107) refuse('--socket', 'a unix socket path has at most 107 bytes')
  return path
}

function whole(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most))
    refuse(name, `${JSON.stringify(text)} is not a whole number from ${least} to ${most}`)
  return value
}

function oneOf(name: string, text: string, words: readonly string[]): string {
  if (!words.includes(text)) refuse(name, `${JSON.stringify(text)} is none of ${words.join(', ')}`)
  return text
}

function refuse(argument: string, why: string): never {
  throw new AppError('ARGUMENT_INVALID', `${argument}: ${why}`)
}
