/** What running tests came to: counts that can be added up, and the failures by name. Pure. */

export interface Problem {
  /** Where: the test file (or command), then the names of the tests around it. */
  readonly path: readonly string[]
  readonly detail: string
}

export interface Outcome {
  readonly passed: number
  readonly failed: readonly Problem[]
  readonly skipped: readonly Problem[]
}

export const NOTHING: Outcome = { passed: 0, failed: [], skipped: [] }
export const ONE_PASSED: Outcome = { passed: 1, failed: [], skipped: [] }

export function oneFailed(path: readonly string[], detail: string): Outcome {
  return { passed: 0, failed: [{ path, detail }], skipped: [] }
}

export function addOutcomes(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, outcome) => sum + outcome.passed, 0),
    failed: outcomes.flatMap(outcome => outcome.failed),
    skipped: outcomes.flatMap(outcome => outcome.skipped),
  }
}

/** In CI nothing may be left out unnoticed: what was skipped counts as failed there. */
export function asInCi(outcome: Outcome): Outcome {
  const failed = outcome.skipped.map(problem => ({
    ...problem,
    detail: `skipped, with CI set: ${problem.detail}`,
  }))
  return { passed: outcome.passed, failed: [...outcome.failed, ...failed], skipped: [] }
}
