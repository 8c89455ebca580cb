/** The oracle's sentence and what was expected of this fault. Pure. */
import type { Expectation, Verdict } from '../expectations.ts'
import type { Story } from '../story.ts'
import { type Line, line, span } from './line.ts'
import { rule } from './timeline-lines.ts'

/** The sentence that stands in the README; scripts may look for it, so it is without decoration. */
export function verdictSentence(verdict: Verdict): string {
  return `acknowledged ${verdict.acknowledged}, lost ${verdict.lost}, second writers ${verdict.secondWriters}`
}

export function expectationLine(expectation: Expectation): Line {
  return line(
    expectation.holds ? span('  ✔ ', 'good') : span('  ✘ ', 'bad'),
    span(expectation.text, expectation.holds ? 'plain' : 'bad'),
    span(`  (${expectation.because})`, 'dim'),
  )
}

export function verdictLines(story: Story, columns: number): Line[] {
  if (story.verdict === undefined) return []
  const good = story.expectations.every(expectation => expectation.holds)
  return [
    rule('verdict', columns, good ? 'good' : 'bad'),
    ...story.expectations.map(expectationLine),
    line(span(` ${verdictSentence(story.verdict)}`, good ? 'good' : 'bad')),
  ]
}
