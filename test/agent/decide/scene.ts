/** States for the tests of deciders, made by the real reducer out of events, for node n1 among n1…nM. */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import { DEFAULT_POLICY } from '../../../agent/decide/policy.ts'
import type {
  Connection,
  Device,
  DrbdState,
  FencingPolicy,
  Resource,
} from '../../../agent/state/drbd-model.ts'
import type { NodeEvent } from '../../../agent/state/events.ts'
import { emptyState, type NodeState, reduce } from '../../../agent/state/node-state.ts'
import type { Ack, Beat, SaidStatement } from '../../../agent/wire/mesh-types.ts'

export const POLICY = DEFAULT_POLICY
export const { leaseMs, watchdogMs, marginMs } = POLICY.lease
export const SILENCE = leaseMs + watchdogMs + marginMs
export const HASH = 'a'.repeat(16)
export const OTHER_HASH = 'b'.repeat(16)

export const node = (index: number): NodeName => `n${index}` as NodeName
export const address = (index: number): string => `10.0.0.${index}`
export const boot = (index: number, count = 1): BootId =>
  `${`${index}`.padStart(8, '0')}-0000-0000-0000-${`${count}`.padStart(12, '0')}` as BootId
export const nonceOf = (number: number): string => number.toString(16).padStart(16, '0')
export const R0 = 'r0' as ResourceName

/** n1, at time `at`, with `count` members, nobody heard yet. */
export function start(count: number, at = 0): NodeState {
  const list = Array.from({ length: count }, (_, index) => ({
    node: node(index + 1),
    addresses: [address(index + 1)],
  }))
  return play(
    emptyState({
      self: node(1),
      life: { bootId: boot(1), incarnation: 1 },
      startedAt: at,
      resetMs: 2 * watchdogMs,
    }),
    { kind: 'members-set', members: { list, hash: HASH } },
  )
}

export function play(state: NodeState, ...events: readonly NodeEvent[]): NodeState {
  return events.reduce(reduce, state)
}

/** Turns often enough that the loop is never late. */
export function turnTo(state: NodeState, at: number): NodeState {
  let next = state
  while (next.mesh.turnAt + 900 < at) next = play(next, { kind: 'turn', at: next.mesh.turnAt + 900 })
  return play(next, { kind: 'turn', at })
}

export function beat(from: number, seq: number, more: Partial<Beat> = {}): Beat {
  return {
    kind: 'beat',
    from: node(from),
    bootId: boot(from),
    incarnation: 1,
    seq,
    nonce: nonceOf(from * 100_000 + seq),
    watchdog: 'armed',
    resetMs: watchdogMs,
    membersHash: HASH,
    ...more,
  }
}

export function ack(from: number, nonce: string, more: Partial<Ack> = {}): Ack {
  return {
    kind: 'ack',
    from: node(from),
    bootId: boot(from),
    incarnation: 1,
    membersHash: HASH,
    nonce,
    yourBootId: boot(1),
    granted: true,
    recorded: true,
    statements: [],
    leftOff: 0,
    ...more,
  }
}

export function said(about: number, quietMs: number, more: Partial<SaidStatement> = {}): SaidStatement {
  return {
    about: node(about),
    life: { bootId: boot(about), armed: true, resetMs: watchdogMs, membersHash: HASH },
    quietMs,
    suspects: false,
    condemned: [],
    currentCopies: [],
    copiesCut: false,
    failover: 'none',
    ...more,
  }
}

let lastNonce = 1_000_000

/** A beat of ours to `from` at `askedAt`, answered at `heardAt`. */
export function asked(
  from: number,
  askedAt: number,
  heardAt: number,
  more: Partial<Ack> = {},
): readonly NodeEvent[] {
  lastNonce += 1
  const nonce = nonceOf(lastNonce)
  return [
    { kind: 'beat-sent', to: node(from), nonce, watchdog: 'armed', at: askedAt },
    { kind: 'ack-heard', ack: ack(from, nonce, more), at: heardAt },
  ]
}

/** A beat of `from` is heard, kept on disk, and answered in the same turn. */
export function lives(state: NodeState, from: number, seq: number, more: Partial<Beat> = {}): NodeState {
  const heard = play(state, {
    kind: 'beat-heard',
    beat: beat(from, seq, more),
    via: address(from),
    at: state.mesh.turnAt,
  })
  const life = heard.mesh.peers.get(node(from))?.life
  return life === undefined ? heard : play(heard, { kind: 'life-saved', node: node(from), life })
}

export function condemn(state: NodeState, index: number, count = 1): NodeState {
  return play(state, {
    kind: 'condemned',
    node: node(index),
    bootId: boot(index, count),
    by: 'lease',
    at: state.mesh.turnAt,
  })
}

export interface ResourceShape {
  readonly name?: string
  readonly peer?: number
  readonly role?: Resource['role']
  readonly disk?: Device['disk']
  readonly fencing?: FencingPolicy
  readonly connection?: Connection['state']
  readonly peerRole?: Connection['peerRole']
  readonly peerDisk?: Device['disk']
  readonly failIo?: boolean
  readonly devices?: number
}

/** A resource of DRBD 8.4 whose connection to `peer` is gone, everything else in order. */
export function resource(shape: ResourceShape = {}): Resource {
  const {
    name = 'r0',
    peer = 3,
    role = 'Secondary',
    disk = 'UpToDate',
    fencing = 'resource-and-stonith',
  } = shape
  const {
    connection = 'Connecting',
    peerRole = 'Unknown',
    peerDisk = 'DUnknown',
    failIo = false,
    devices = 1,
  } = shape
  const volumes = Array.from({ length: devices }, (_, volume) => volume)
  return {
    name: name as ResourceName,
    role,
    failIo,
    suspended: { user: false, noData: false, fencing: false, quorum: false },
    devices: new Map(
      volumes.map(volume => [
        volume,
        {
          volume,
          minor: volume,
          disk,
          client: false,
          hasQuorum: true,
          isOpen: undefined,
          fencing,
          sizeBytes: undefined,
        },
      ]),
    ),
    connections: new Map([
      [
        -1,
        {
          peerNodeId: -1,
          connName: '',
          state: connection,
          peerRole,
          localAddress: `${address(1)}:7789`,
          peerAddress: `${address(peer)}:7789`,
          fencing: 'unknown',
          peerDevices: new Map(
            volumes.map(volume => [
              volume,
              { volume, replication: 'Off', peerDisk, outOfSyncBytes: undefined, peerStable: undefined },
            ]),
          ),
        },
      ],
    ]),
  }
}

export function withDrbd(
  state: NodeState,
  resources: readonly Resource[],
  more: Partial<DrbdState> = {},
): NodeState {
  return {
    ...state,
    drbd: {
      phase: 'live',
      familyVersion: 1,
      resources: new Map(resources.map(each => [each.name, each])),
      unknown: new Map(),
      ...more,
    },
  }
}
