/** p50 and p99 of each phase over several runs. */
import { PHASES, type Phase, type PhasesMs } from './phases.ts'

/** Nearest rank: the smallest value that at least `percent` of all values do not exceed. Undefined of nothing. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1]
}

export interface PhaseFigures {
  readonly phase: Phase
  /** In how many runs it happened. */
  readonly runs: number
  readonly p50: number | undefined
  readonly p99: number | undefined
}

/** One line a phase, in natural order, also for those that never happened. */
export function phaseFigures(runs: readonly PhasesMs[]): PhaseFigures[] {
  return PHASES.map(phase => {
    const values = runs.map(run => run[phase]).filter(ms => ms !== null)
    return { phase, runs: values.length, p50: percentile(values, 50), p99: percentile(values, 99) }
  })
}
