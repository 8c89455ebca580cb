/** The story of one run: steady, fault, watch, take the fault back, judge. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import { until } from '../cluster/until.ts'
import type { ClusterBackend } from './backend.ts'
import { type Expectation, expectations, type RunFacts } from './expectations.ts'
import type { Live, RunLog } from './live.ts'
import { FAULT_WORDS, type Fault, MOVES_POD, type RunReport } from './phases.ts'
import type { NodePower, StoryEvent } from './story.ts'
import { type Entry, phasesMs, timeline, type WallMs } from './timeline.ts'

export interface RunResult {
  readonly report: RunReport
  readonly victim: string
  readonly faultAt: WallMs
  readonly entries: readonly Entry[]
  /** In ms since the fault. */
  readonly writes: readonly { readonly ms: number; readonly node: string }[]
  readonly expectations: readonly Expectation[]
  readonly good: boolean
}

export interface ScenarioOptions {
  readonly fault: Fault
  readonly run: number
  /** Called when the fault has been made: what else a test wants to break, or to watch. */
  readonly onFault?: (victim: string) => Promise<void>
}

export interface Stage {
  readonly backend: ClusterBackend
  readonly live: Live
  readonly tell: (event: StoryEvent) => void
  readonly signal: AbortSignal
}

/** So long everything must have been well before a fault is made: leases are fresh, the counter can be seen to run. */
const STEADY_MS = 3_000
const STEADY_WITHIN_MS = 120_000
/** A failover with the real cluster's kubelet may take its time; longer than this is a failure. */
const MOVE_WITHIN_MS = 120_000
/** Longer than lease + watchdog + margin: whoever would act wrongly has had the time for it. */
const SIT_OUT_MS = 13_000
/** How long the new writer is watched, and how long a healed or thawed node. */
const AFTER_MS = 3_000
const RESET_WITHIN_MS = 20_000

/** Everything well: the pod writes on a node that is Primary, both copies are current, every agent is armed. */
function whyNotSteady({ backend, live }: Stage): string | undefined {
  const now = Date.now()
  const { lastWrite } = live
  if (lastWrite === undefined || now - lastWrite.at > 1_000) return 'nothing is written'
  const writer = live.nodes.get(lastWrite.node)
  if (writer?.role !== 'Primary') return `${lastWrite.node} is not Primary`
  for (const node of backend.nodes) {
    const seen = live.nodes.get(node)
    if (seen?.agent !== 'armed') return `the agent of ${node} is ${seen?.agent ?? 'silent'}`
    if (
      seen.disk !== undefined &&
      seen.disk !== '' &&
      (seen.disk !== 'UpToDate' || seen.connection !== 'Connected')
    )
      return `DRBD on ${node}: ${seen.connection}, ${seen.disk}`
  }
  return undefined
}

async function waitSteady(stage: Stage): Promise<string> {
  let since: number | undefined
  let why: string | undefined = 'nothing was seen yet'
  const look = async (): Promise<string | undefined> => {
    why = whyNotSteady(stage)
    since = why === undefined ? (since ?? Date.now()) : undefined
    return since !== undefined && Date.now() - since >= STEADY_MS ? stage.live.lastWrite?.node : undefined
  }
  try {
    return await until('the cluster is steady', look, {
      signal: stage.signal,
      deadlineMs: STEADY_WITHIN_MS,
      everyMs: 100,
    })
  } catch (cause) {
    if (stage.signal.aborted) throw cause
    throw new AppError('LAB_FAILED', 'the cluster did not become steady', { why }, cause)
  }
}

const POWER_AFTER: Readonly<Record<Fault, NodePower>> = {
  power: 'cut off',
  isolate: 'isolated',
  freeze: 'frozen',
  'kill-agent': 'up',
  'disk-error': 'up',
}

async function makeFault({ backend }: Stage, fault: Fault, victim: string): Promise<void> {
  const { faults } = backend
  const make: Record<Fault, (node: string) => Promise<void>> = {
    power: faults.cutPower,
    isolate: faults.isolate,
    freeze: faults.freeze,
    'kill-agent': faults.killAgent,
    'disk-error': faults.failDisk,
  }
  await make[fault](victim)
}

/** Until the pod has written elsewhere, and a little longer. Not getting there is a result, not an error. */
async function watchMove(stage: Stage, log: RunLog): Promise<void> {
  const moved = async (): Promise<true | undefined> =>
    log.writes.some(write => write.node !== log.victim) ? true : undefined
  await until('the pod writes elsewhere', moved, {
    signal: stage.signal,
    deadlineMs: MOVE_WITHIN_MS,
    everyMs: 50,
  }).catch(leaveToVerdict(stage))
  await sleep(AFTER_MS, undefined, { signal: stage.signal })
}

const leaveToVerdict =
  (stage: Stage) =>
  (error: unknown): undefined => {
    if (stage.signal.aborted) throw error
    return undefined
  }

async function waitReset(stage: Stage, log: RunLog): Promise<void> {
  const reset = async (): Promise<true | undefined> => (log.endedAt === undefined ? undefined : true)
  await until('the node resets itself', reset, {
    signal: stage.signal,
    deadlineMs: RESET_WITHIN_MS,
    everyMs: 50,
  }).catch(leaveToVerdict(stage))
  await sleep(AFTER_MS, undefined, { signal: stage.signal })
}

/** Takes the fault back where it can be, and watches what the node does then. Gives the moment, undefined for power. */
async function takeBack(stage: Stage, fault: Fault, log: RunLog): Promise<WallMs | undefined> {
  const { faults } = stage.backend
  const note = (text: string): void => stage.tell({ kind: 'note', at: Date.now(), text })
  switch (fault) {
    case 'power':
    case 'kill-agent':
    case 'disk-error':
      return undefined
    case 'freeze': {
      stage.live.step(`${log.victim} is thawed: does it find itself fenced before it writes?`)
      const at = Date.now()
      await faults.thaw(log.victim)
      note(`${log.victim} thawed`)
      await waitReset(stage, log)
      return at
    }
    case 'isolate': {
      const at = Date.now()
      await faults.heal(log.victim)
      note(`networks of ${log.victim} healed`)
      await waitReset(stage, log)
      return at
    }
  }
}

export async function playRun(stage: Stage, options: ScenarioOptions): Promise<RunResult> {
  const { backend, live, tell } = stage
  const { fault } = options
  live.step('waiting until everything is well')
  const victim = await waitSteady(stage)
  tell({ kind: 'run', at: Date.now(), run: options.run, victim })
  live.step(`the pod writes on ${victim}; the fault comes in a moment`)
  await backend.beginRun()
  const log = live.beginRun(victim)
  await sleep(STEADY_MS, undefined, { signal: stage.signal })

  log.faultAt = Date.now()
  await makeFault(stage, fault, victim)
  tell({ kind: 'fault', at: log.faultAt, node: victim, text: `${FAULT_WORDS[fault]} on ${victim}` })
  live.node(victim, {
    power: POWER_AFTER[fault],
    ...(MOVES_POD[fault] && fault === 'power' ? { pod: null } : {}),
  })
  await options.onFault?.(victim)

  if (MOVES_POD[fault]) {
    live.step('waiting for the failover')
    await watchMove(stage, log)
  } else {
    live.step(`nothing must move: watched for ${SIT_OUT_MS / 1000} s`)
    await sleep(SIT_OUT_MS, undefined, { signal: stage.signal })
  }
  const endedAt = await takeBack(stage, fault, log)
  live.step('the oracle reads back what was acknowledged')
  return judge(stage, fault, log, endedAt)
}

async function judge(
  stage: Stage,
  fault: Fault,
  log: RunLog,
  endedAt: WallMs | undefined,
): Promise<RunResult> {
  const { backend, live, tell } = stage
  const podNodeAtEnd = await backend.podNode()
  const verdict = await backend.verdict()
  const facts: RunFacts = {
    fault,
    victim: log.victim,
    faultAt: log.faultAt,
    endedAt,
    happenings: log.happenings,
    deletes: await backend.podDeletes(log.faultAt),
    writes: log.writes.filter(write => write.at >= log.faultAt),
    victimResetAt: log.endedAt,
    agentBackAt: log.agentBackAt,
    podNodeAtEnd,
    victimDiskAtEnd: live.nodes.get(log.victim)?.disk,
    verdict,
  }
  const judged = expectations(facts)
  const entries = timeline(log.faultAt, log.happenings)
  live.endRun()
  tell({ kind: 'verdict', at: Date.now(), verdict, expectations: judged })
  return {
    report: { fault, ...verdict, phasesMs: phasesMs(entries) },
    victim: log.victim,
    faultAt: log.faultAt,
    entries,
    writes: log.writes.map(write => ({ ms: write.at - log.faultAt, node: write.node })),
    expectations: judged,
    good: judged.every(expectation => expectation.holds),
  }
}

/** Makes the cluster whole again for the next run. */
export async function recover(stage: Stage, fault: Fault, victim: string): Promise<void> {
  stage.live.step(`${victim} comes back for the next run`)
  if (fault === 'disk-error') await stage.backend.faults.healDisk(victim)
  else if (fault !== 'kill-agent') await stage.backend.comeBack(victim)
}
