/** `npm start`: the process. Arguments, the machine, the lab's namespaces, the runs, the exit status. */
import { writeFileSync } from 'node:fs'
import { AppError, ERRORS, EXIT, sayError } from '#kit/errors.ts'
import { enterLab, isInsideLab } from '../lab/inside.ts'
import { type ClusterKind, type DemoOptions, readArguments, USAGE } from './arguments.ts'
import { checkMachine, isRealBuilt } from './checks.ts'
import { checkKeep, keepLab, keepWords } from './keep.ts'
import { phaseFigures } from './percentiles.ts'
import { FAULT_WORDS } from './phases.ts'
import type { RunResult } from './scenario.ts'
import { openScreen } from './screen.ts'
import { openSession, type Session } from './session.ts'
import { svg } from './svg.ts'
import { tableLines } from './view/table.ts'

const CLUSTER_WORDS: Readonly<Record<ClusterKind, string>> = {
  embedded: 'embedded API server (a stand-in)',
  real: 'real Kubernetes',
}

process.exitCode = await main()

async function main(): Promise<number> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(EXIT.failed)
      stop.abort(new Error(name))
    })
  try {
    return await demo(stop.signal)
  } catch (error) {
    // A second Ctrl-C is not needed: whoever ended the demo does not want to read why it ended.
    const asked = stop.signal.aborted
    process.stderr.write(asked ? 'hawser: ended by request\n' : `hawser: ${sayError(error)}\n`)
    return asked ? EXIT.failed : exitOf(error)
  }
}

function exitOf(error: unknown): number {
  if (!(error instanceof AppError)) return EXIT.fault
  if (error.code === 'ARGUMENT_INVALID') return EXIT.usage
  // Missing rights may be given: the same call can work later.
  return error.code === 'RIGHTS_MISSING' || ERRORS[error.code].retry === 'later' ? EXIT.later : EXIT.fault
}

async function demo(signal: AbortSignal): Promise<number> {
  const options = readArguments(process.argv.slice(2), { NO_COLOR: process.env['NO_COLOR'] })
  if (options.help) {
    process.stdout.write(USAGE)
    return EXIT.ok
  }
  const built = await isRealBuilt()
  const kind = options.cluster ?? (built ? 'real' : 'embedded')
  if (!isInsideLab()) {
    const say = (text: string): void => void process.stderr.write(`${text}\n`)
    if (options.cluster === undefined && !built)
      say(
        'Kubernetes is not built on this machine (npm run cluster -- build): the embedded API server stands in for it',
      )
    await checkMachine(options, kind, say, signal)
    if (options.keep) await checkKeep()
  }
  // Outside, this starts the demo once more in namespaces of its own and never returns.
  await enterLab()
  return await show(options, kind, signal)
}

async function show(options: DemoOptions, kind: ClusterKind, signal: AbortSignal): Promise<number> {
  const nodes = Array.from({ length: options.nodes }, (_, index) => `n${index + 1}`)
  const head = { fault: options.fault, cluster: kind, runs: options.runs, nodes }
  using screen = openScreen(head, process.stdout, options.color)
  await using session = await openSession(
    { kind, nodes: options.nodes, tell: event => screen.tell(event) },
    signal,
  )
  const results = await playAll(session, options)
  screen.say(summary(options, results))
  writeFiles(options, kind, results)
  if (options.keep) {
    screen.say(keepWords(session.backend.lookAround()))
    await keepLab(session.backend.lab, signal)
  }
  return results.every(result => result.good) ? EXIT.ok : EXIT.failed
}

async function playAll(session: Session, options: DemoOptions): Promise<RunResult[]> {
  const results: RunResult[] = []
  for (let run = 1; run <= options.runs; run++) {
    const result = await session.play(options.fault)
    results.push(result)
    if (run < options.runs) await session.recover(result)
  }
  return results
}

/** What stays on the screen below the last picture. */
function summary(options: DemoOptions, results: readonly RunResult[]): string[] {
  if (options.runs === 1) return []
  const sum = (key: 'acknowledged' | 'lost' | 'secondWriters'): number =>
    results.reduce((total, result) => total + result.report[key], 0)
  const good = results.filter(result => result.good).length
  return [
    '',
    ...tableLines(phaseFigures(results.map(result => result.report.phasesMs))),
    '',
    `${results.length} runs, ${good} as they must be: acknowledged ${sum('acknowledged')}, lost ${sum('lost')}, second writers ${sum('secondWriters')}`,
  ]
}

function writeFiles(options: DemoOptions, kind: ClusterKind, results: readonly RunResult[]): void {
  if (options.json !== undefined) {
    const document = { cluster: kind, runs: results.map(result => result.report) }
    writeFileSync(options.json, `${JSON.stringify(document, undefined, 2)}\n`)
  }
  const last = results.at(-1)
  if (options.svg === undefined || last === undefined) return
  const picture = svg({
    title: `${FAULT_WORDS[options.fault]} on ${last.victim}`,
    subtitle: `${options.nodes} nodes, DRBD 8.4, ${CLUSTER_WORDS[kind]}`,
    entries: last.entries,
    writes: last.writes,
    verdict: last.report,
    good: last.good,
  })
  writeFileSync(options.svg, picture)
}
