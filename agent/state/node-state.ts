/** All that an agent knows, and how an event changes it. */
import type { NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import { type DecisionLog, NO_DECISIONS, noteDecisions } from './decisions.ts'
import { reduceDrbd } from './drbd.ts'
import { type DrbdState, NO_DRBD } from './drbd-model.ts'
import type { NodeEvent, Taint } from './events.ts'
import { type FailoverState, reduceFailover } from './failover.ts'
import { type FenceState, NO_FENCE, reduceFence, turnFence } from './fence.ts'
import { emptyMesh, reduceMesh, turnMesh } from './mesh.ts'
import type { Life, MeshState } from './mesh-model.ts'
import { emptyWatchdog, reduceWatchdog, type WatchdogState } from './watchdog.ts'

export interface ApiReach {
  /** Undefined: never tried. */
  readonly reachable: boolean | undefined
  readonly at: MonoMs | undefined
}

export interface NodeState {
  readonly drbd: DrbdState
  readonly mesh: MeshState
  readonly watchdog: WatchdogState
  readonly fence: FenceState
  readonly failovers: FailoverState
  readonly api: ApiReach
  /** Undefined: our own Node object was not read yet. */
  readonly ownTaints: readonly Taint[] | undefined
  readonly decisions: DecisionLog
  /** Events that the inbox had to drop. */
  readonly dropped: number
}

export interface Start {
  readonly self: NodeName
  readonly life: Life
  readonly startedAt: MonoMs
  /** Twice the watchdog's time-out (see `WatchdogState.resetMs`); undefined: no device is configured. */
  readonly resetMs: number | undefined
}

export function emptyState({ self, life, startedAt, resetMs }: Start): NodeState {
  return {
    drbd: NO_DRBD,
    mesh: emptyMesh(self, life, startedAt),
    watchdog: emptyWatchdog(resetMs),
    fence: NO_FENCE,
    failovers: new Map(),
    api: { reachable: undefined, at: undefined },
    ownTaints: undefined,
    decisions: NO_DECISIONS,
    dropped: 0,
  }
}

export function reduce(state: NodeState, event: NodeEvent): NodeState {
  switch (event.kind) {
    case 'turn':
      return { ...state, mesh: turnMesh(state.mesh, event.at), fence: turnFence(state.fence) }
    case 'decided':
      return { ...state, decisions: noteDecisions(state.decisions, event.decisions, event.at) }
    case 'overflow':
      return { ...state, dropped: state.dropped + event.dropped }
    case 'members-set':
      return setMembers(state, event)
    case 'peers-loaded':
    case 'beat-sent':
    case 'beat-heard':
    case 'ack-heard':
    case 'life-saved':
    case 'condemned':
      return { ...state, mesh: reduceMesh(state.mesh, event) }
    case 'promise-saved':
    case 'promise-cleared':
    case 'watchdog-opened':
    case 'watchdog-fed':
    case 'watchdog-failed':
    case 'watchdog-disarmed':
    case 'stop-asked':
      return { ...state, watchdog: reduceWatchdog(state.watchdog, event) }
    case 'fence-asked':
    case 'fence-ended':
    case 'outdate-sent':
    case 'outdate-reply-heard':
    case 'outdate-asked':
      return { ...state, fence: reduceFence(state.fence, event) }
    case 'failover-began':
    case 'failover-ended':
      return { ...state, failovers: reduceFailover(state.failovers, event) }
    case 'drbd-absent':
    case 'drbd-resync':
    case 'drbd-snapshot':
    case 'drbd-batch':
    case 'drbd-config':
      return { ...state, drbd: reduceDrbd(state.drbd, event) }
    case 'api-seen':
      return { ...state, api: { reachable: event.reachable, at: event.at } }
    case 'own-node-seen':
      return { ...state, ownTaints: event.taints }
    default:
      return unreachable(event)
  }
}

/**
 * While the watchdog of this boot is bound to one list, another one must wait: its members do not know those who may
 * hold us for dead, nor those who feed us.
 */
function setMembers(state: NodeState, event: Extract<NodeEvent, { kind: 'members-set' }>): NodeState {
  const { promise } = state.watchdog
  const { mesh } = state
  const bound = promise?.bootId === mesh.life.bootId && promise.membersHash !== event.members.hash
  if (bound && mesh.members !== undefined)
    return { ...state, mesh: { ...mesh, heldBack: event.members.hash } }
  return { ...state, mesh: reduceMesh(mesh, event) }
}
