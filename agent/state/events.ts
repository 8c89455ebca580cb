/** The union of everything that can happen to an agent. */
import type { MonoMs } from '#kit/clock.ts'
import type { Decision } from './decisions.ts'
import type { DrbdEvent } from './drbd.ts'
import type { FailoverEvent } from './failover.ts'
import type { FenceEvent } from './fence.ts'
import type { MeshEvent } from './mesh.ts'
import type { WatchdogEvent } from './watchdog.ts'

export interface Taint {
  readonly key: string
  readonly value: string
  readonly effect: string
}

export type ClusterEvent =
  | { readonly kind: 'api-seen'; readonly reachable: boolean; readonly at: MonoMs }
  /** The taints of our own Node object. */
  | { readonly kind: 'own-node-seen'; readonly taints: readonly Taint[] }

export type NodeEvent =
  /** The first event of every batch, with the time at which the batch was taken: all that follows in this turn happens at it. */
  | { readonly kind: 'turn'; readonly at: MonoMs }
  /** The last one: what the plan of this turn decided. */
  | { readonly kind: 'decided'; readonly at: MonoMs; readonly decisions: readonly Decision[] }
  /** The inbox was full. Lost messages between agents are harmless, the others are read again by their sources. */
  | { readonly kind: 'overflow'; readonly dropped: number }
  | DrbdEvent
  | MeshEvent
  | WatchdogEvent
  | FenceEvent
  | FailoverEvent
  | ClusterEvent
