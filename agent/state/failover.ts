/** The slice of failovers: which node's volumes this node has taken care of, and how that went. */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'

export interface FailoverRun {
  readonly node: NodeName
  readonly bootId: BootId
  readonly phase: 'acting' | 'done' | 'failed'
  readonly beganAt: MonoMs
  readonly endedAt: MonoMs | undefined
  /** Tries that failed since the last one that did not. */
  readonly attempts: number
  readonly error: string | undefined
  /** Resources that were among the proven ones of a run that ended well. */
  readonly handled: ReadonlySet<ResourceName>
}

/** By `node/boot`. */
export type FailoverState = ReadonlyMap<string, FailoverRun>

export type FailoverEvent =
  | { readonly kind: 'failover-began'; readonly node: NodeName; readonly bootId: BootId; readonly at: MonoMs }
  | {
      readonly kind: 'failover-ended'
      readonly node: NodeName
      readonly bootId: BootId
      readonly at: MonoMs
      /** Undefined: every step was carried out, or there was none. */
      readonly error: string | undefined
      readonly handled: readonly ResourceName[]
    }

export function failoverKey(node: NodeName, bootId: BootId): string {
  return `${node}/${bootId}`
}

export function reduceFailover(state: FailoverState, event: FailoverEvent): FailoverState {
  const key = failoverKey(event.node, event.bootId)
  const { node, bootId, at } = event
  const before = state.get(key)
  switch (event.kind) {
    case 'failover-began':
      return new Map(state).set(key, {
        node,
        bootId,
        phase: 'acting',
        beganAt: at,
        endedAt: undefined,
        attempts: before?.attempts ?? 0,
        error: undefined,
        handled: before?.handled ?? new Set(),
      })
    case 'failover-ended': {
      const failed = event.error !== undefined
      return new Map(state).set(key, {
        node,
        bootId,
        phase: failed ? 'failed' : 'done',
        beganAt: before?.beganAt ?? at,
        endedAt: at,
        attempts: failed ? (before?.attempts ?? 0) + 1 : 0,
        error: event.error,
        handled: failed
          ? (before?.handled ?? new Set())
          : new Set([...(before?.handled ?? []), ...event.handled]),
      })
    }
    default:
      return unreachable(event)
  }
}
