/** What each fault must and must not lead to, judged from the facts of one run. Pure. */
import { type Fault, MOVES_POD } from './phases.ts'
import { CLOCK_SLACK_MS, type Happening, type WallMs } from './timeline.ts'

export interface Verdict {
  readonly acknowledged: number
  readonly lost: number
  readonly secondWriters: number
}

export interface DeleteCall {
  readonly at: WallMs
  readonly pod: string
  /** Who called, as far as the API server knows: an address or a user. */
  readonly by: string
}

export interface WriteSeen {
  /** When its fsync had returned. */
  readonly at: WallMs
  /** When it began: a node may freeze between the two, or between the fsync and the look at the clock. */
  readonly begunAt: WallMs
  readonly node: string
}

export interface RunFacts {
  readonly fault: Fault
  readonly victim: string
  readonly faultAt: WallMs
  /** When the fault was taken back: thawed, healed. Undefined: it never was (power). */
  readonly endedAt: WallMs | undefined
  readonly happenings: readonly Happening[]
  /** Every delete call on a pod since the fault that did not come from the demo itself. */
  readonly deletes: readonly DeleteCall[]
  /** Acknowledged writes since the fault, in order of time. */
  readonly writes: readonly WriteSeen[]
  /** When the victim's kernel was seen reset, or its guest gone. */
  readonly victimResetAt: WallMs | undefined
  /** When an agent answered on the victim again, in a new process. */
  readonly agentBackAt: WallMs | undefined
  readonly podNodeAtEnd: string | undefined
  /** DRBD's disk state on the victim at the end. */
  readonly victimDiskAtEnd: string | undefined
  readonly verdict: Verdict
}

export interface Expectation {
  readonly text: string
  readonly holds: boolean
  /** The figure that speaks for or against it. */
  readonly because: string
}

const since = (facts: RunFacts, at: WallMs | undefined): string =>
  at === undefined
    ? 'never'
    : `${at >= facts.faultAt ? '+' : '−'}${Math.abs(Math.round(at - facts.faultAt))} ms`

/** The first happening of a phase since the fault, by time. */
function firstAt(facts: RunFacts, phase: Happening['phase']): WallMs | undefined {
  const times = facts.happenings
    .filter(h => h.phase === phase && h.at >= facts.faultAt - CLOCK_SLACK_MS)
    .map(h => h.at)
  return times.length === 0 ? undefined : Math.min(...times)
}

const lastWriteOf = (facts: RunFacts, node: string): WriteSeen | undefined =>
  facts.writes.findLast(write => write.node === node)

/** The oracle's figures: true of every fault. */
function dataExpectations({ verdict }: RunFacts): Expectation[] {
  return [
    {
      text: 'no acknowledged write is lost',
      holds: verdict.lost === 0,
      because: `lost ${verdict.lost} of ${verdict.acknowledged}`,
    },
    {
      text: 'never two writers',
      holds: verdict.secondWriters === 0,
      because: `second writers ${verdict.secondWriters}`,
    },
    {
      text: 'something was written at all',
      holds: verdict.acknowledged > 0,
      because: `acknowledged ${verdict.acknowledged}`,
    },
  ]
}

/** Of the faults after which the pod moves. */
function moveExpectations(facts: RunFacts): Expectation[] {
  const proven = firstAt(facts, 'proven')
  const deleted = facts.deletes[0]?.at
  const pods = new Set(facts.deletes.map(call => call.pod))
  const newWriter = facts.writes.find(write => write.node !== facts.victim)
  return [
    {
      text: 'no delete before the proof',
      holds: deleted === undefined || (proven !== undefined && proven <= deleted + CLOCK_SLACK_MS),
      because: `proven ${since(facts, proven)}, delete called ${since(facts, deleted)}`,
    },
    {
      text: 'exactly one delete call for the pod',
      holds: facts.deletes.length === 1 && pods.size === 1,
      because:
        facts.deletes.length === 0
          ? 'none'
          : facts.deletes.map(call => `by ${call.by} ${since(facts, call.at)}`).join(', '),
    },
    {
      text: 'the pod writes on another node',
      holds: newWriter !== undefined && facts.podNodeAtEnd !== facts.victim,
      because:
        newWriter === undefined ? 'no write elsewhere' : `${newWriter.node} ${since(facts, newWriter.at)}`,
    },
  ]
}

/** Of the faults that Hawser must sit out. */
function stayExpectations(facts: RunFacts): Expectation[] {
  const other = facts.writes.find(write => write.node !== facts.victim)
  const last = lastWriteOf(facts, facts.victim)?.at
  return [
    {
      text: 'nothing fails over',
      holds: facts.deletes.length === 0 && other === undefined && facts.podNodeAtEnd === facts.victim,
      because: `delete calls ${facts.deletes.length}, pod on ${facts.podNodeAtEnd ?? 'no node'}`,
    },
    {
      text: 'nobody is called dead',
      holds: firstAt(facts, 'proven') === undefined,
      because: `proven ${since(facts, firstAt(facts, 'proven'))}`,
    },
    {
      text: `${facts.victim} never resets`,
      holds: facts.victimResetAt === undefined,
      because: `reset ${since(facts, facts.victimResetAt)}`,
    },
    {
      text: 'the writer goes on where it is',
      holds: last !== undefined && last > facts.faultAt + 5_000,
      because: `last write on ${facts.victim} ${since(facts, last)}`,
    },
  ]
}

function ownExpectations(facts: RunFacts): Expectation[] {
  const deleted = facts.deletes[0]?.at
  const lastWrite = lastWriteOf(facts, facts.victim)
  const last = lastWrite?.at
  const begun = lastWrite?.begunAt
  switch (facts.fault) {
    case 'power':
      return []
    case 'isolate': {
      const silentBefore = deleted !== undefined && (last === undefined || last < deleted)
      const resetBefore =
        deleted !== undefined && facts.victimResetAt !== undefined && facts.victimResetAt < deleted
      return [
        {
          text: `${facts.victim} has stopped writing, or has reset itself, before the delete`,
          holds: silentBefore || resetBefore,
          because: `last write ${since(facts, last)}, reset ${since(facts, facts.victimResetAt)}, delete ${since(facts, deleted)}`,
        },
      ]
    }
    case 'freeze':
      return [
        {
          text: `${facts.victim}, thawed, never writes an acknowledged record`,
          holds:
            facts.endedAt !== undefined &&
            (begun === undefined || (begun < facts.endedAt && (deleted === undefined || begun < deleted))),
          because: `last write begun ${since(facts, begun)}, thawed ${since(facts, facts.endedAt)}`,
        },
        {
          text: `${facts.victim} resets once it is thawed`,
          holds: facts.victimResetAt !== undefined,
          because: `reset ${since(facts, facts.victimResetAt)}`,
        },
      ]
    case 'kill-agent':
      return [
        {
          text: 'the agent is back, and keeps its node alive',
          holds: facts.agentBackAt !== undefined && facts.victimResetAt === undefined,
          because: `back ${since(facts, facts.agentBackAt)}`,
        },
      ]
    case 'disk-error':
      return [
        {
          text: `${facts.victim} serves without its own disk`,
          holds: facts.victimDiskAtEnd === 'Diskless' || facts.victimDiskAtEnd === 'Failed',
          because: `disk ${facts.victimDiskAtEnd ?? 'not known'}`,
        },
      ]
  }
}

/** All that must be true after one run. */
export function expectations(facts: RunFacts): Expectation[] {
  return [
    ...dataExpectations(facts),
    ...(MOVES_POD[facts.fault] ? moveExpectations(facts) : stayExpectations(facts)),
    ...ownExpectations(facts),
  ]
}
