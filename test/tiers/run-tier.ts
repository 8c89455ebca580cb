/** Runs the commands and test files of one tier, a few at a time, and adds up what they came to. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildEnd, runChild } from './child.ts'
import { addOutcomes, NOTHING, ONE_PASSED, type Outcome, oneFailed } from './outcome.ts'
import type { Report } from './report.ts'
import { openTapCounter } from './tap-count.ts'
import type { Command, Tier } from './tier.ts'

export interface RunPlace {
  readonly root: string
  readonly logs: string
  /** What every process of this run is marked with. */
  readonly mark: string
  readonly slots: number
}

interface Job {
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  readonly isTestFile: boolean
}

export async function runTier(
  tier: Tier,
  commands: readonly Command[],
  files: readonly string[],
  place: RunPlace,
  report: Report,
  signal: AbortSignal,
): Promise<Outcome> {
  mkdirSync(join(place.logs, tier.name), { recursive: true })
  const jobs: Job[] = [
    ...commands.map(({ name, argv }) => ({ name, argv, isTestFile: false })),
    ...files.map(file => ({ name: file, argv: ['node', file] as const, isTestFile: true })),
  ]
  const outcomes: Outcome[] = []
  const waiting = jobs.entries()
  const worker = async (): Promise<void> => {
    for (const [index, job] of waiting) {
      if (signal.aborted) outcomes.push(notStarted(job, signal))
      else outcomes.push(await runJob(tier, job, index, place, report, signal))
    }
  }
  await Promise.all(Array.from({ length: tier.serial ? 1 : place.slots }, worker))
  return addOutcomes(outcomes)
}

/** After an interruption nobody wants to read the rest; after the time limit it counts as failed. */
function notStarted(job: Job, signal: AbortSignal): Outcome {
  return isTimeLimit(signal) ? oneFailed([job.name], 'not run: the time of the whole run is over') : NOTHING
}

export function isTimeLimit(signal: AbortSignal): boolean {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
}

async function runJob(
  tier: Tier,
  job: Job,
  index: number,
  place: RunPlace,
  report: Report,
  signal: AbortSignal,
): Promise<Outcome> {
  const started = performance.now()
  const counter = openTapCounter(job.name, (path, problem) => {
    if (tier.serial || problem !== undefined) report.test(path, problem)
  })
  let output = ''
  const logFile = join(place.logs, tier.name, `${job.name.replace(/^test\//, '').replaceAll('/', '-')}.log`)
  const end = await runChild({
    argv: job.argv,
    cwd: place.root,
    env: {
      // tap names the test that hangs, if it may do so before we end the whole program
      TAP_TIMEOUT: String(Math.max(1, tier.deadlineMs / 1_000 - 5)),
      TAP: '1',
      NO_COLOR: '1',
      // a hundred programs load the same modules: an eighth of all processor time (measured)
      NODE_COMPILE_CACHE: join(place.root, '.state', 'compile-cache'),
    },
    mark: `${place.mark}/${tier.name}-${index}`,
    logFile,
    deadlineMs: tier.deadlineMs,
    graceMs: tier.graceMs,
    signal,
    onOutput: text => {
      if (job.isTestFile) counter.write(text)
      else output = `${output}${text}`.slice(-OUTPUT_KEPT)
    },
  })
  const counted = job.isTestFile ? counter.end(end.ended) : outcomeOfCommand(job, end, output)
  const outcome = addOutcomes([counted, strayOutcome(job, end)])
  report.job(job.name, outcome, performance.now() - started, logFile, job.isTestFile ? end.stderr : '')
  return outcome
}

const OUTPUT_KEPT = 1 << 20

/** A command that prints TAP is counted like a test file; any other one is a single test. */
function outcomeOfCommand(job: Job, end: ChildEnd, output: string): Outcome {
  if (output.startsWith('TAP version ')) {
    const counter = openTapCounter(job.name)
    counter.write(output)
    return counter.end(end.ended)
  }
  if (end.ended === undefined) return ONE_PASSED
  return oneFailed([job.name], `${end.ended}\n${output.slice(-6_000)}${end.stderr}`.trimEnd())
}

function strayOutcome(job: Job, end: ChildEnd): Outcome {
  if (end.strays.length === 0 || end.ended?.startsWith('stopped') === true) return NOTHING
  const names = end.strays.map(({ pid, name }) => `${name} (${pid})`)
  return oneFailed([job.name], `left processes behind: ${names.slice(0, 8).join(', ')}`)
}
