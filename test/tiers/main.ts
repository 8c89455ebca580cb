/** `npm test`: runs the tiers one after the other and ends with the line `N passed, N failed`. */
import { join } from 'node:path'
import { AppError, EXIT, sayError } from '#kit/errors.ts'
import { testSlots } from '../setup/machine.ts'
import { parseArguments, type RunOptions, USAGE } from './arguments.ts'
import { openLogFolder } from './log-folder.ts'
import { asInCi, NOTHING, type Outcome, oneFailed } from './outcome.ts'
import { installForTiers, whyNotHere } from './prepare.ts'
import { openReport, type Report, summaryLines, type TierResult } from './report.ts'
import { isTimeLimit, type RunPlace, runTier } from './run-tier.ts'
import { endStrays, MARK } from './strays.ts'
import { FILE_TIERS, type FileTier, findTestFiles } from './test-files.ts'
import { TIERS, type Tier } from './tier.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** CI ends a run after 90 minutes; ours must end before, to say what it did. */
const RUN_LIMIT_MS = 85 * 60_000
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
const BROKEN_PIPE = 13

interface TierWork {
  readonly tier: Tier
  readonly commands: Tier['commands']
  readonly files: readonly string[]
}

function planWork(options: RunOptions): readonly TierWork[] {
  const found = findTestFiles(ROOT)
  const isWanted = (name: string) =>
    options.words.length === 0 || options.words.some(word => name.includes(word))
  const work = TIERS.filter(({ name }) => options.tiers.includes(name)).map(tier => ({
    tier,
    commands: tier.commands.filter(({ name }) => isWanted(name)),
    files: isFileTier(tier.name) ? (found.get(tier.name) ?? []).filter(isWanted) : [],
  }))
  if (options.words.length === 0) return work
  const some = work.filter(({ commands, files }) => commands.length + files.length > 0)
  if (some.length > 0) return some
  throw new AppError('ARGUMENT_INVALID', `no test file has "${options.words.join('" or "')}" in its path`)
}

function isFileTier(name: string): name is FileTier {
  return FILE_TIERS.some(tier => tier === name)
}

/** The first signal stops in order, the second one at once. Losing npm, or the reader of the output, is a signal too. */
function listenToSignals(stop: AbortController): { readonly code: () => number | undefined } {
  let code: number | undefined
  const parent = process.ppid
  const timer = setInterval(() => {
    // npm passes SIGTERM to a shell, which dies of it without a word to us.
    if (process.ppid !== parent && code === undefined) process.kill(process.pid, 'SIGTERM')
  }, 500)
  timer.unref()
  for (const [name, number] of Object.entries(SIGNAL_NUMBERS)) {
    process.on(name, () => {
      if (code !== undefined) process.exit(code) // setpriv's parent-death signal reaches the tests
      code = 128 + number
      stop.abort(new Error(`interrupted by ${name}`))
    })
  }
  process.stdout.on('error', () => {
    code ??= 128 + BROKEN_PIPE
    stop.abort(new Error('nobody reads the output'))
  })
  return { code: () => code }
}

async function runAll(
  work: readonly TierWork[],
  options: RunOptions,
  report: Report,
  signal: AbortSignal,
): Promise<readonly TierResult[]> {
  const place: RunPlace = {
    root: ROOT,
    logs: openLogFolder(ROOT, new Date()),
    mark: `${process.env[MARK] ?? ''}/${process.pid}-${Date.now()}`,
    slots: testSlots(),
  }
  const tiers = work.map(({ tier }) => tier)
  const whyNotInstalled = options.fast ? undefined : await installForTiers(tiers, report.line, signal)
  if (whyNotInstalled !== undefined) report.line(`packages: ${whyNotInstalled}`)
  const results: TierResult[] = []
  for (const { tier, commands, files } of work) {
    const started = performance.now()
    report.line(`\n== ${tier.name}: ${tier.what} (${files.length} files)`)
    const why = await whyNotHere(tier, ROOT, whyNotInstalled, report.line, signal)
    const outcome =
      why === undefined
        ? await runTier(tier, commands, files, place, report, signal)
        : notRun(tier, why, report)
    await endStrays(place.mark, 0)
    const seconds = (performance.now() - started) / 1000
    results.push({
      name: tier.name,
      outcome: inCi() ? asInCi(outcome) : outcome,
      seconds,
      ...(why && { notRun: why }),
    })
    if (signal.aborted && !isTimeLimit(signal)) break
  }
  return results
}

function notRun(tier: Tier, why: string, report: Report): Outcome {
  report.line(`not run: ${why}`)
  return inCi() ? oneFailed([tier.name], `not run, with CI set: ${why}`) : NOTHING
}

function inCi(): boolean {
  return !['', '0', 'false'].includes(process.env['CI'] ?? '')
}

function listWork(work: readonly TierWork[]): void {
  for (const { tier, commands, files } of work) {
    process.stdout.write(`${tier.name}: ${tier.what}\n`)
    for (const name of [...commands.map(command => command.name), ...files])
      process.stdout.write(`  ${name}\n`)
  }
}

async function main(): Promise<number> {
  const options = parseArguments(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(USAGE)
    return EXIT.ok
  }
  const work = planWork(options)
  const stop = new AbortController()
  const interrupted = listenToSignals(stop)
  if (options.list) {
    listWork(work)
    return EXIT.ok
  }
  const started = performance.now()
  const report = openReport(ROOT, text => process.stdout.write(text))
  const results = await runAll(
    work,
    options,
    report,
    AbortSignal.any([stop.signal, AbortSignal.timeout(RUN_LIMIT_MS)]),
  )
  if (interrupted.code() !== undefined) report.line('\ninterrupted: the figures are those of what had run')
  for (const line of summaryLines(results, (performance.now() - started) / 1000)) report.line(line)
  return (
    interrupted.code() ?? (results.some(({ outcome }) => outcome.failed.length > 0) ? EXIT.failed : EXIT.ok)
  )
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`hawser: ${sayError(error)}\n`)
  process.exitCode = error instanceof AppError && error.code === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.fault
}
