/** Arguments and environment → a frozen Config, or a refusal that names the argument. */
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { AppError } from '#kit/errors.ts'
import { LEASE_POLICY, type LeasePolicy } from './kube/lease-rule.ts'
import type { SessionConfig } from './kube/session.ts'
import { MEMBERS_POLICY, type MembersPolicy } from './model/members.ts'

export interface Config {
  readonly session: SessionConfig
  readonly listen: { readonly host: string; readonly port: number }
  /** Who we are in the Lease, before the part that differs for each life. */
  readonly identity: string
  readonly lease: LeasePolicy
  readonly members: MembersPolicy
  /** Two writes of the cluster's status are at least this far apart: a thousand reports at once make one write. */
  readonly statusApartMs: number
  readonly logLevel: string
}

export const USAGE = `hawser-coordinator: one or two replicas beside the API server

  in a pod the API server is found by itself; elsewhere
  --kubeconfig FILE        a kubeconfig, or
  --server URL             the API server, with
  --token-file FILE        a bearer token
  --ca FILE                its certificate authority

  --listen HOST:PORT       probes and metrics (0.0.0.0:8081)
  --identity NAME          name in the Lease (env POD_NAME, HOSTNAME)
  --lease-duration-ms N    a replica takes over a Lease that is silent for so long (${LEASE_POLICY.durationMs})
  --lease-hold-ms N        a leader that cannot renew stops after so long (${LEASE_POLICY.holdMs})
  --lease-every-ms N       how often it renews (${LEASE_POLICY.everyMs})
  --members-minimum N      nodes it takes to make the list of members by itself (${MEMBERS_POLICY.minimum})
  --members-settle-ms N    how long the nodes must not have changed for that (${MEMBERS_POLICY.settleMs})
  --status-apart-ms N      time between two writes of the cluster's status, at least (1000)
  --log-level LEVEL        trace, debug, info, warn, error (info)
  --help

  each may stand in the environment: HAWSER_LISTEN, HAWSER_MEMBERS_MINIMUM and so on
  exit codes: 0 asked to stop, 64 wrong arguments, 70 fault, 75 try again later
`

const NAMES = [
  'kubeconfig',
  'server',
  'token-file',
  'ca',
  'listen',
  'identity',
  'lease-duration-ms',
  'lease-hold-ms',
  'lease-every-ms',
  'members-minimum',
  'members-settle-ms',
  'status-apart-ms',
  'log-level',
] as const

const OPTIONS: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>> = {
  ...Object.fromEntries(NAMES.map(name => [name, { type: 'string' as const }])),
  help: { type: 'boolean' },
}

type Name = (typeof NAMES)[number]
type Env = Readonly<Record<string, string | undefined>>
type Given = Readonly<Partial<Record<Name, string>>>

/** Throws AppError ARGUMENT_INVALID on anything it does not understand. */
export function parseConfig(argv: readonly string[], env: Env): Config | 'help' {
  const given = readGiven(argv, env)
  if (given === 'help') return 'help'
  return Object.freeze({
    session: sessionOf(given, env),
    listen: listenOf(given.listen ?? '0.0.0.0:8081'),
    identity: identityOf(given.identity ?? env['POD_NAME'] ?? env['HOSTNAME'] ?? 'coordinator'),
    lease: leaseOf(given),
    members: {
      minimum: numberOf(given, 'members-minimum', MEMBERS_POLICY.minimum, 1, 64),
      settleMs: numberOf(given, 'members-settle-ms', MEMBERS_POLICY.settleMs, 0, 3_600_000),
    },
    statusApartMs: numberOf(given, 'status-apart-ms', 1_000, 0, 600_000),
    logLevel: oneOf('log-level', given['log-level'] ?? 'info', ['trace', 'debug', 'info', 'warn', 'error']),
  })
}

function readGiven(argv: readonly string[], env: Env): Given | 'help' {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true })
    if (values['help'] === true) return 'help'
    return Object.fromEntries(
      NAMES.flatMap(name => {
        const value = values[name] ?? env[`HAWSER_${name.toUpperCase().replaceAll('-', '_')}`]
        return typeof value === 'string' && value !== '' ? [[name, value]] : []
      }),
    )
  } catch (cause) {
    throw new AppError('ARGUMENT_INVALID', 'the arguments could not be read', {}, cause)
  }
}

function sessionOf(given: Given, env: Env): SessionConfig {
  const { kubeconfig, server } = given
  if (kubeconfig !== undefined && server !== undefined)
    throw wrong('kubeconfig', kubeconfig, 'without --server')
  if (server === undefined && (given['token-file'] ?? given.ca) !== undefined)
    throw wrong('server', '', 'an URL, when --token-file or --ca is given')
  if (kubeconfig !== undefined) return { kind: 'kubeconfig', file: kubeconfig }
  if (server !== undefined) {
    if (!/^https?:\/\/[^/\s]+/.test(server)) throw wrong('server', server, 'an http(s) URL')
    const tokenFile = given['token-file']
    const caFile = given.ca
    return {
      kind: 'plain',
      server,
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(caFile === undefined ? {} : { caFile }),
    }
  }
  const host = env['KUBERNETES_SERVICE_HOST']
  if (host === undefined) throw wrong('server', '', 'given, or --kubeconfig, when not in a pod')
  return { kind: 'in-cluster', host, port: env['KUBERNETES_SERVICE_PORT'] ?? '443' }
}

function leaseOf(given: Given): LeasePolicy {
  const durationMs = numberOf(given, 'lease-duration-ms', LEASE_POLICY.durationMs, 1_000, 600_000)
  const holdMs = numberOf(given, 'lease-hold-ms', LEASE_POLICY.holdMs, 500, 600_000)
  const everyMs = numberOf(given, 'lease-every-ms', LEASE_POLICY.everyMs, 100, 600_000)
  if (durationMs < 1.2 * holdMs)
    throw wrong(
      'lease-duration-ms',
      String(durationMs),
      'at least a fifth longer than --lease-hold-ms: clocks run apart',
    )
  if (everyMs * 2 > holdMs) throw wrong('lease-every-ms', String(everyMs), 'at most half of --lease-hold-ms')
  return { durationMs, holdMs, everyMs }
}

function listenOf(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  const port = Number(text.slice(at + 1))
  if (at < 1 || isIP(host) === 0 || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw wrong('listen', text, 'ADDRESS:PORT, such as 0.0.0.0:8081 or [::]:8081')
  return { host, port }
}

function identityOf(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/.test(text))
    throw wrong('identity', text, 'letters, digits, dots and dashes')
  return text
}

function numberOf(given: Given, name: Name, otherwise: number, from: number, to: number): number {
  const text = given[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < from || value > to)
    throw wrong(name, text, `a whole number from ${from} to ${to}`)
  return value
}

function oneOf(name: Name, text: string, words: readonly string[]): string {
  if (!words.includes(text)) throw wrong(name, text, words.join(', '))
  return text
}

function wrong(name: Name, value: string, wants: string): AppError {
  return new AppError('ARGUMENT_INVALID', 'an argument is wrong', { argument: `--${name}`, value, wants })
}
