/** What the runner prints: a line a file, failures with their reason at once, and a table at the end. */
import { isAbsolute, relative } from 'node:path'
import type { Outcome, Problem } from './outcome.ts'
import type { TierName } from './tier.ts'

export interface TierResult {
  readonly name: TierName
  readonly outcome: Outcome
  readonly seconds: number
  /** Why it did not run, if it did not. */
  readonly notRun?: string
}

export interface Report {
  line(text: string): void
  /** One test of a file that is still running. */
  test(path: readonly string[], problem: Problem | undefined): void
  /** A file or a command has ended. */
  job(name: string, outcome: Outcome, ms: number, logFile: string, stderr: string): void
}

const STDERR_LINES = 15

export function openReport(root: string, write: (text: string) => void): Report {
  const line = (text: string) => write(`${text}\n`)
  const streamed = new Set<string>()
  return {
    line,
    test(path, problem) {
      // The file is named by the line that sums it up, except for what belongs to no group.
      line(
        `  ${problem === undefined ? 'ok  ' : 'FAIL'} ${(path.length > 1 ? path.slice(1) : path).join(' › ')}`,
      )
      if (problem === undefined) return
      streamed.add(keyOf(problem))
      line(indent(problem.detail))
    },
    job(name, outcome, ms, logFile, stderr) {
      const isOk = outcome.failed.length === 0
      line(`${isOk ? 'ok  ' : 'FAIL'} ${name}  ${countsOf(outcome)}, ${(ms / 1000).toFixed(1)} s`)
      for (const problem of outcome.failed) {
        if (!streamed.has(keyOf(problem)))
          line(indent(`${problem.path.slice(1).join(' › ')}\n${problem.detail}`.trim()))
      }
      for (const problem of outcome.skipped) line(`  skip ${problem.path.join(' › ')}: ${problem.detail}`)
      if (isOk) return
      const said = stderr.trimEnd().split('\n').slice(-STDERR_LINES)
      if (said.join('') !== '') line(indent(`standard error ends with\n${said.join('\n')}`))
      line(`  log: ${isAbsolute(logFile) ? relative(root, logFile) : logFile}`)
    },
  }
}

function keyOf({ path, detail }: Problem): string {
  return JSON.stringify([path, detail])
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '       ')
}

export function countsOf({ passed, failed, skipped }: Outcome): string {
  const parts = [`${passed} passed`]
  if (failed.length > 0) parts.push(`${failed.length} failed`)
  if (skipped.length > 0) parts.push(`${skipped.length} skipped`)
  return parts.join(', ')
}

/** The table and, as its last line, what scripts read. */
export function summaryLines(results: readonly TierResult[], seconds: number): readonly string[] {
  const failed = results.flatMap(({ outcome }) => outcome.failed)
  const passed = results.reduce((sum, { outcome }) => sum + outcome.passed, 0)
  return [
    '',
    ...(failed.length === 0 ? [] : ['Failed:', ...failed.map(({ path }) => `  ${path.join(' › ')}`), '']),
    row('tier', 'passed', 'failed', 'skipped', 'time'),
    ...results.map(({ name, outcome, seconds: spent, notRun }) =>
      notRun === undefined
        ? row(name, outcome.passed, outcome.failed.length, outcome.skipped.length, duration(spent))
        : `${name.padEnd(9)}not run: ${notRun}`,
    ),
    row(
      'all',
      passed,
      failed.length,
      results.flatMap(({ outcome }) => outcome.skipped).length,
      duration(seconds),
    ),
    '',
    `${passed} passed, ${failed.length} failed`,
  ]
}

function row(name: string, ...cells: readonly (string | number)[]): string {
  return `${name.padEnd(9)}${cells.map(cell => String(cell).padStart(9)).join('')}`
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 60
    ? `${seconds.toFixed(1)} s`
    : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')}`
}
