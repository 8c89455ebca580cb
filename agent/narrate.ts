/** What happened, for people: changed decisions and steps of failovers, with wall-clock time, in one bounded list. */
import type { Clock, MonoMs } from '#kit/clock.ts'
import type { Log } from '#kit/log.ts'
import type { DecisionStatus } from '#protocol/status.ts'
import { STATUS_MAX_DECISIONS } from '#protocol/status.ts'
import type { StepDone } from './effect/failover.ts'
import type { NotedDecision } from './state/decisions.ts'
import type { NodeState } from './state/node-state.ts'

export interface Narrator {
  /** Once a turn: takes over decisions that are new. */
  follow(state: NodeState): void
  step(done: StepDone): void
  /** Oldest first. */
  list(): readonly DecisionStatus[]
}

/** Monotonic → ISO. Both clocks are read anew each time: the wall clock may be set. */
export function wallAt(clock: Clock, at: MonoMs): string {
  return new Date(clock.wall().getTime() - (clock.mono() - at)).toISOString()
}

export function openNarrator(clock: Clock, log: Log): Narrator {
  let told: DecisionStatus[] = []
  let last: NotedDecision | undefined

  const add = (entry: DecisionStatus): void => {
    told = [...told, entry].slice(-STATUS_MAX_DECISIONS)
    const { topic, subject, verdict, because } = entry
    log.info({ topic, subject, verdict, because }, 'decided')
  }

  return {
    follow(state) {
      const noted = state.decisions.last
      const newest = noted.at(-1)
      if (newest === last) return
      const from = last === undefined ? 0 : noted.lastIndexOf(last) + 1
      for (const { at, topic, subject, verdict, because } of noted.slice(from))
        add({
          at: wallAt(clock, at),
          topic,
          subject: subject.slice(0, 400),
          verdict,
          because: because.slice(0, 600),
        })
      last = newest
    },
    step({ order, step, result }) {
      const at = clock.wall().toISOString()
      add({
        at,
        topic: 'failover-step',
        subject: order.node,
        verdict: `${step.kind} ${result}`,
        because: describe(step),
      })
    },
    list: () => told,
  }
}

function describe(step: StepDone['step']): string {
  switch (step.kind) {
    case 'taint':
      return `node ${step.node}`
    case 'release':
      return step.inUse.join(', ').slice(0, 600)
    case 'delete-attachment':
      return step.name
    case 'delete-pod':
      return `${step.namespace}/${step.name}`
    case 'keep-pod':
      return `${step.namespace}/${step.name}: ${step.because}`.slice(0, 600)
  }
}
