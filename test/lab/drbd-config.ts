/** DRBD resource files of the lab's scenarios (8.4 syntax). Pure. */
import { AppError } from '#kit/errors.ts'
import { type LabNode, nodeAddress } from './layout.ts'

export interface ResourceConfig {
  /** r0 to r19; the number gives minor and port unless told. */
  readonly resource: string
  readonly nodes: readonly [LabNode, LabNode]
  readonly minor?: number
  /** Program with arguments that the kernel asks to fence the peer. */
  readonly handler?: string
  /** Options, say {timeout: 60}, beside or instead of the ones here. */
  readonly net?: Readonly<Record<string, string | number>>
  readonly disk?: Readonly<Record<string, string | number>>
}

export const LAB_HANDLER = '/lab/handler.sh'
/** These only take notes in /run/handlers.log. */
const NOTED = [
  'unfence-peer',
  'after-resync-target',
  'before-resync-target',
  'before-resync-source',
  'split-brain',
  'initial-split-brain',
  'out-of-sync',
]
const FIRST_PORT = 7789

export function resourceMinor(config: Pick<ResourceConfig, 'resource' | 'minor'>): number {
  if (config.minor !== undefined) return config.minor
  const number = /^r(1?\d)$/.exec(config.resource)?.[1]
  if (number === undefined) {
    throw new AppError('ARGUMENT_INVALID', 'a resource is one of r0 to r19, or names its minor', {
      resource: config.resource,
    })
  }
  return Number(number)
}

/** The backing device: a device-mapper device over the volume, so that a test can let the disk fail. */
export function faultDevice(resource: string): string {
  return `fault-${resource}`
}

export function drbdDevice(config: Pick<ResourceConfig, 'resource' | 'minor'>): string {
  return `/dev/drbd${resourceMinor(config)}`
}

export function renderResource(config: ResourceConfig): string {
  const minor = resourceMinor(config)
  const fencer = config.handler ?? `${LAB_HANDLER} fence-peer`
  const handlers = [`fence-peer "${fencer}";`, ...NOTED.map(name => `${name} "${LAB_HANDLER} ${name}";`)]
  const disk = {
    fencing: 'resource-and-stonith',
    'on-io-error': 'detach',
    'c-plan-ahead': 0,
    'resync-rate': '100M',
    ...config.disk,
  }
  const net = {
    'cram-hmac-alg': 'sha1',
    'shared-secret': 'lab',
    'verify-alg': 'md5',
    'ping-int': 2,
    'ping-timeout': 10,
    timeout: 15,
    'connect-int': 3,
    'allow-two-primaries': 'no',
    ...config.net,
  }
  const hosts = config.nodes.map(
    node => `  on ${node} { address ${nodeAddress(node, 'repl')}:${FIRST_PORT + minor}; }`,
  )
  return [
    `resource ${config.resource} {`,
    '  protocol C;',
    section('handlers', handlers),
    section('disk', optionLines(disk)),
    section('net', optionLines(net)),
    `  volume 0 { device minor ${minor}; disk /dev/mapper/${faultDevice(config.resource)}; meta-disk internal; }`,
    ...hosts,
    '}',
    '',
  ].join('\n')
}

function section(name: string, lines: readonly string[]): string {
  return `  ${name} {\n${lines.map(line => `    ${line}`).join('\n')}\n  }`
}

function optionLines(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).map(([name, value]) => `${name} ${value};`)
}
