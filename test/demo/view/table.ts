/** p50 and p99 of the phases as a table: aligned for a terminal, and Markdown for the README. Pure. */
import type { PhaseFigures } from '../percentiles.ts'
import { PHASE_WORDS } from '../phases.ts'
import { columns } from './line.ts'
import { grouped } from './numbers.ts'

const cell = (ms: number | undefined): string => (ms === undefined ? '–' : grouped(ms))

function padCell(text: string, size: number, right: boolean): string {
  const fill = ' '.repeat(Math.max(0, size - columns(text)))
  return right ? fill + text : text + fill
}

export function tableLines(figures: readonly PhaseFigures[]): string[] {
  const head = ['ms since the fault', 'runs', 'p50', 'p99']
  const rows = figures.map(({ phase, runs, p50, p99 }) => [
    PHASE_WORDS[phase],
    String(runs),
    cell(p50),
    cell(p99),
  ])
  const sizes = head.map((title, index) =>
    Math.max(columns(title), ...rows.map(row => columns(row[index] ?? ''))),
  )
  const toLine = (row: readonly string[]): string =>
    `| ${row.map((text, index) => padCell(text, sizes[index] ?? 0, index > 0)).join(' | ')} |`
  const ruler = `|${sizes.map((size, index) => (index === 0 ? '-'.repeat(size + 2) : `${'-'.repeat(size + 1)}:`)).join('|')}|`
  return [toLine(head), ruler, ...rows.map(toLine)]
}
