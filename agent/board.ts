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
  /** Calls back after each turn, in the turn; the callback must be quick. */
  watch(callback: (shown: Shown) => void): Disposable
}

export function openBoard(): Board {
  let shown: Shown | undefined
  const watchers = new Set<(shown: Shown) => void>()
  return {
    read: () => shown,
    publish(state, plan) {
      shown = { state, plan }
      for (const watcher of watchers) watcher(shown)
    },
    watch(callback) {
      watchers.add(callback)
      return { [Symbol.dispose]: () => void watchers.delete(callback) }
    },
  }
}
