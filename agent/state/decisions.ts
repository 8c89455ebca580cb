/** The last decisions with their reasons: what `hawser status` shows. A decision is noted when it changes. */
import type { MonoMs } from '#kit/clock.ts'

export type Topic =
  | 'lease'
  | 'watchdog'
  | 'suspicion'
  | 'proof'
  | 'fence-peer'
  | 'outdate'
  | 'evidence'
  | 'failover'
  | 'comeback'
  | 'reboot'

export interface Decision {
  readonly topic: Topic
  /** The node, resource or request that it is about. */
  readonly subject: string
  readonly verdict: string
  /** In words, without figures that change by themselves. */
  readonly because: string
}

export interface NotedDecision extends Decision {
  readonly at: MonoMs
}

export interface DecisionLog {
  /** By `topic subject`. */
  readonly standing: ReadonlyMap<string, NotedDecision>
  /** Oldest first. */
  readonly last: readonly NotedDecision[]
}

export const NO_DECISIONS: DecisionLog = { standing: new Map(), last: [] }
const KEPT = 200

/** `made` are all decisions that stand now; what is not among them any more is forgotten. */
export function noteDecisions(log: DecisionLog, made: readonly Decision[], at: MonoMs): DecisionLog {
  const standing = new Map<string, NotedDecision>()
  const changed: NotedDecision[] = []
  for (const decision of made) {
    const key = `${decision.topic} ${decision.subject}`
    const before = log.standing.get(key)
    const same = before?.verdict === decision.verdict && before.because === decision.because
    const noted = same ? before : { ...decision, at }
    standing.set(key, noted)
    if (!same) changed.push(noted)
  }
  if (changed.length === 0 && standing.size === log.standing.size) return log
  return { standing, last: changed.length === 0 ? log.last : [...log.last, ...changed].slice(-KEPT) }
}
