/** Counts the tests of one file's TAP output. A test is an innermost named group of assertions, not each assertion. */
import { type FinalResults, Parser, type Result } from 'tap-parser'
import { addOutcomes, NOTHING, ONE_PASSED, type Outcome, oneFailed, type Problem } from './outcome.ts'

export interface TapCounter {
  write(text: string): void
  /** Call once, when the program has ended; `ended` says how, when not with status 0. */
  end(ended: string | undefined): Outcome
}

/** Is told of each test as it ends, with the problem when it failed. */
export type TestListener = (path: readonly string[], problem: Problem | undefined) => void

/** `file` names the root; assertions outside of any `t.test` make one test of that name. */
export function openTapCounter(file: string, onTest: TestListener = () => {}): TapCounter {
  const root = new Parser({ name: file })
  const group = watchGroup(root, [file], onTest)
  return {
    write: text => {
      root.write(text)
    },
    end: ended => {
      root.end()
      const outcome = group.outcome()
      if (outcome.failed.length > 0) return outcome
      if (ended !== undefined) return addOutcomes([outcome, oneFailed([file], ended)])
      if (outcome.passed + outcome.skipped.length > 0) return outcome
      return oneFailed([file], 'there is no test in this file')
    },
  }
}

interface Group {
  outcome(): Outcome
  /** The line after the group says "not ok" although nothing inside did: a time-out, an error after the end. */
  refuse(detail: string): void
}

function watchGroup(parser: Parser, path: readonly string[], onTest: TestListener): Group {
  const inner: Group[] = []
  const skipped: Problem[] = []
  const details: string[] = []
  let assertions = 0
  let open: Group | undefined
  let own = NOTHING

  const settle = (isTest: boolean) => {
    if (details.length > 0) own = oneFailed(path, details.join('\n'))
    else if (isTest) own = ONE_PASSED
    if (own !== NOTHING) onTest(path, own.failed[0])
  }
  const outcome = () => addOutcomes([own, { ...NOTHING, skipped }, ...inner.map(group => group.outcome())])

  parser.on('child', (child: Parser) => {
    open = watchGroup(child, [...path, child.name], onTest)
    inner.push(open)
  })
  parser.on('assert', (result: Result) => {
    if (open !== undefined) {
      if (!result.ok && open.outcome().failed.length === 0) open.refuse(describe(result))
      open = undefined
    } else if (result.skip !== false || result.todo !== false) {
      skipped.push({ path: [...path, result.name], detail: String(result.skip || result.todo) })
    } else {
      assertions++
      if (!result.ok) details.push(`${result.name}\n${describe(result)}`)
    }
  })
  parser.on('complete', (results: FinalResults) => {
    // Broken off in the middle, or another number of assertions than planned.
    if (!results.ok && outcome().failed.length === 0 && details.length === 0)
      details.push(brokenPlan(results))
    settle(assertions > 0 || (inner.length === 0 && skipped.length === 0 && path.length > 1))
  })
  return {
    outcome,
    refuse: detail => {
      details.push(detail)
      settle(true)
    },
  }
}

function brokenPlan(results: FinalResults): string {
  const said = results.failures.map(failure => failure.tapError).filter(text => typeof text === 'string')
  return said.join('; ') || 'its TAP output is not complete'
}

const SHOWN = ['diff', 'found', 'wanted', 'expired', 'signal', 'exitCode', 'message', 'stack']
const LINES_SHOWN = 24

/** The few lines of a failed assertion's diagnostics that say what is wrong and where. */
function describe(result: Result): string {
  const diag: Record<string, unknown> = result.diag ?? {}
  const lines: string[] = []
  const at = diag['at']
  if (typeof at === 'object' && at !== null && 'fileName' in at && 'lineNumber' in at) {
    lines.push(`at ${String(at.fileName)}:${String(at.lineNumber)}`)
  }
  for (const key of SHOWN) {
    const value = diag[key]
    if (value === undefined || value === null) continue
    const text = (typeof value === 'string' ? value : JSON.stringify(value)).trimEnd()
    lines.push(...`${key}: ${text.includes('\n') ? '\n' : ''}${text}`.split('\n').slice(0, LINES_SHOWN))
  }
  return lines.join('\n') || (result.tapError ?? 'not ok')
}
