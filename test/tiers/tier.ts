/** The tiers: what each one is, what it needs from this machine, and the limits that it runs under. */
import type { PartName } from '../setup/debian-parts.ts'

export const TIER_NAMES = ['static', 'unit', 'mutants', 'real', 'lab', 'cluster'] as const
export type TierName = (typeof TIER_NAMES)[number]

export function isTierName(text: string): text is TierName {
  return TIER_NAMES.some(name => name === text)
}

export interface Command {
  readonly name: string
  /** A program of node_modules/.bin, or `node` and a script. */
  readonly argv: readonly [string, ...string[]]
}

export interface Tier {
  readonly name: TierName
  readonly what: string
  /** Run before and beside the tier's test files; each counts as one test, or as its TAP output says. */
  readonly commands: readonly Command[]
  /** Debian packages; `wanted` ones are installed where that is allowed, but their lack stops only single tests. */
  readonly parts: readonly PartName[]
  readonly wantedParts: readonly PartName[]
  /** Whether guests, and so namespaces and /dev/net/tun, are part of it. */
  readonly guests: boolean
  readonly kubernetes: boolean
  readonly memoryMiB: number
  /** For one file or command. */
  readonly deadlineMs: number
  /** Between the request to end and the end. */
  readonly graceMs: number
  /** Timing-sensitive: one at a time, with nothing beside it. */
  readonly serial: boolean
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

const PLAIN = {
  commands: [],
  parts: [],
  wantedParts: [],
  guests: false,
  kubernetes: false,
  memoryMiB: 512,
  deadlineMs: MINUTE,
  graceMs: 3 * SECOND,
  serial: false,
} satisfies Partial<Tier>

export const TIERS: readonly Tier[] = [
  {
    ...PLAIN,
    name: 'static',
    what: 'types (tsc), style and import rules (Biome), gates over the repository',
    commands: [
      { name: 'tsc', argv: ['tsc', '--noEmit', '--pretty', 'false'] },
      {
        name: 'biome',
        argv: ['biome', 'check', '--colors=off', '--error-on-warnings', '--max-diagnostics=20'],
      },
    ],
    wantedParts: ['gates'],
  },
  {
    ...PLAIN,
    name: 'unit',
    what: 'unit and property tests, against fakes at the border; no rights needed',
  },
  {
    ...PLAIN,
    name: 'mutants',
    what: 'each property of the deciders must fail for the mutant it names',
    commands: [{ name: 'mutants', argv: ['node', 'test/mutants/run.ts'] }],
    deadlineMs: 10 * MINUTE,
  },
  {
    ...PLAIN,
    name: 'real',
    what: 'real parts on this machine: kube-apiserver and etcd, LVM, drbd-utils',
    parts: ['lab', 'control-plane'],
    kubernetes: true,
    memoryMiB: 1_500,
    deadlineMs: 5 * MINUTE,
    graceMs: 10 * SECOND,
    serial: true,
  },
  {
    ...PLAIN,
    name: 'lab',
    what: 'DRBD 8.4, LVM and the agent on User-Mode-Linux guests: faults, failover, no lost write',
    parts: ['lab'],
    guests: true,
    memoryMiB: 2_500,
    deadlineMs: 12 * MINUTE,
    graceMs: 20 * SECOND,
    serial: true,
  },
  {
    ...PLAIN,
    name: 'cluster',
    what: 'the same on real Kubernetes: kubelet, containerd and runc in the guests',
    parts: ['lab', 'cluster'],
    guests: true,
    kubernetes: true,
    memoryMiB: 4_500,
    deadlineMs: 15 * MINUTE,
    graceMs: 30 * SECOND,
    serial: true,
  },
]
