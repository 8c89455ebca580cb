/** One machine of the small world: its boot, its agent, its disk and its watchdog device. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { Effect } from '../../../agent/decide/effects.ts'
import type { NodeEvent } from '../../../agent/state/events.ts'
import type { SavedPeer } from '../../../agent/state/mesh.ts'
import type { PeerLife } from '../../../agent/state/mesh-model.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { WatchdogPromise } from '../../../agent/state/watchdog.ts'
import type { Plot } from './plots.ts'

export interface Machine {
  readonly name: NodeName
  readonly rate: number
  readonly deviceRate: number
  readonly held: boolean
  /** Undefined: no power. */
  boot: BootId | undefined
  boots: number
  state: NodeState | undefined
  hash: string
  inbox: NodeEvent[]
  wakeAt: number
  seq: number
  frozenUntil: number
  /** A feed that was decided, and not yet carried out when the process was stopped. */
  stuckFeed: Effect | undefined
  freezeInFeed: number | undefined
  readonly disk: { peers: Map<NodeName, SavedPeer>; promise: WatchdogPromise | undefined }
  /** True time at which the device resets the machine; undefined: it does not run. */
  resetAt: number | undefined
  /** Of this process: granted beats that came back, by granter, newest send time on the own clock. */
  grants: Map<NodeName, number>
}

export const HASH_A = 'a'.repeat(16)
export const HASH_B = 'b'.repeat(16)

export function nodeName(index: number): NodeName {
  return `n${index + 1}` as NodeName
}

export function bootOf(index: number, count: number): BootId {
  const digits = `${index + 1}`.padStart(8, '0')
  return `${digits}-0000-0000-0000-${`${count}`.padStart(12, '0')}` as BootId
}

export function newMachine(plot: Plot, index: number): Machine {
  const clock = plot.clocks[index] ?? { agent: 0, device: 0, held: true }
  return {
    name: nodeName(index),
    rate: 1 + clock.agent / 100,
    deviceRate: 1 + clock.device / 100,
    held: clock.held,
    boot: undefined,
    boots: 0,
    state: undefined,
    hash: HASH_A,
    inbox: [],
    wakeAt: 0,
    seq: 0,
    frozenUntil: 0,
    stuckFeed: undefined,
    freezeInFeed: undefined,
    disk: { peers: new Map(), promise: undefined },
    resetAt: undefined,
    grants: new Map(),
  }
}

/** What the agent of this machine writes to its disk about a peer. */
export function save(
  machine: Machine,
  node: NodeName,
  what: { life?: PeerLife; condemned?: SavedPeer['condemned'][number] },
): void {
  const before = machine.disk.peers.get(node) ?? { node, life: undefined, condemned: [] }
  const condemned = what.condemned === undefined ? before.condemned : [...before.condemned, what.condemned]
  machine.disk.peers.set(node, { node, life: what.life ?? before.life, condemned })
}
