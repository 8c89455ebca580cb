/** The last published state, for readers: the status socket, the report, the log of changed decisions. */
import type { Plan } from './decide/plan.ts'
import type { NodeState } from './state/node-state.ts'

export interface Shown {
  readonly state: NodeState
  readonly plan: Plan
}

export interface Board {
  /** Undefined before the first turn. */
  read(): Shown | undefined
  publish(state: NodeState, plan: Plan): void
}

export function openBoard(): Board {
  let shown: Shown | undefined
  return {
    read: () => shown,
    publish(state, plan) {
      shown = { state, plan }
    },
  }
}
