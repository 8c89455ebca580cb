/** The story of the agent: what came → what is known → what follows → carry it out, and tell. */
import type { Clock, MonoMs } from '#kit/clock.ts'
import type { Effect } from './decide/effects.ts'
import { makePlan, type Plan } from './decide/plan.ts'
import type { Policy } from './decide/policy.ts'
import type { Inbox } from './inbox.ts'
import type { NodeEvent } from './state/events.ts'
import { type NodeState, reduce } from './state/node-state.ts'

export interface LoopPorts {
  readonly clock: Clock
  readonly policy: Policy
  readonly inbox: Inbox<NodeEvent>
  /** Carries out, or begins to; never waits. */
  readonly start: (effects: readonly Effect[]) => void
  readonly publish: (state: NodeState, plan: Plan) => void
  /** After the effects of a turn have begun. */
  readonly turned: (batch: readonly NodeEvent[], now: MonoMs) => void
}

/** Ends with the signal, or when a clean stop has nothing more to wait for. */
export async function runLoop(
  ports: LoopPorts,
  first: NodeState,
  signal: AbortSignal,
): Promise<'stopped' | 'aborted'> {
  let state = first
  for await (const batch of ports.inbox.batches(signal)) {
    const at = ports.clock.mono()
    state = reduce(state, { kind: 'turn', at })
    for (const event of batch) state = reduce(state, event)
    const plan = makePlan(state, ports.policy, at)
    ports.start(plan.effects)
    ports.turned(batch, ports.clock.mono())
    state = reduce(state, { kind: 'decided', at, decisions: plan.decisions })
    ports.inbox.wakeAt(plan.wakeAt)
    ports.publish(state, plan)
    if (plan.mayStop) return 'stopped'
  }
  return 'aborted'
}
