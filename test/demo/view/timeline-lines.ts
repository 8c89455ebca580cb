/** The timeline as text: one line a phase, with a bar where there is room. Pure. */
import { PHASE_WORDS } from '../phases.ts'
import type { Story } from '../story.ts'
import { type Entry, timeline } from '../timeline.ts'
import { fitText, type Line, line, span } from './line.ts'
import { sinceFault } from './numbers.ts'

const LABEL = 22
const TIME = 12
const WHERE = 5

function entryLine(entry: Entry, scaleMs: number, columns: number): Line {
  const room = columns - TIME - LABEL - WHERE - 5
  const bar = Math.max(1, Math.round((entry.ms / scaleMs) * Math.min(room, 34)))
  return line(
    span(`${sinceFault(entry.ms, TIME)}  `, 'bold'),
    span(fitText(PHASE_WORDS[entry.phase], LABEL), entry.phase === 'firstWrite' ? 'good' : 'plain'),
    span(fitText(entry.where, WHERE), 'dim'),
    span(room < 10 ? '' : `${'─'.repeat(bar - 1)}●`, entry.phase === 'firstWrite' ? 'good' : 'mark'),
  )
}

/** A rule with a title in it, as wide as the terminal. */
export function rule(title: string, columns: number, tone: 'bad' | 'dim' | 'good' = 'dim'): Line {
  const left = `── ${title} `
  return line(span(fitText(left + '─'.repeat(Math.max(0, columns - [...left].length)), columns), tone))
}

/** Empty before the fault. While it runs, a last line counts on. */
export function timelineLines(story: Story, now: number, columns: number): Line[] {
  if (story.fault === undefined) return []
  const entries = timeline(story.fault.at, story.happenings)
  const nowMs = now - story.fault.at
  const lastMs = entries.at(-1)?.ms ?? 0
  const scaleMs = Math.max(1, story.verdict === undefined ? nowMs : lastMs)
  const lines = [rule(story.fault.text, columns, 'bad')]
  lines.push(...entries.map(entry => entryLine(entry, scaleMs, columns)))
  for (const note of story.notes) {
    lines.push(line(span(`${sinceFault(note.at - story.fault.at, TIME)}  `, 'dim'), span(note.text, 'dim')))
  }
  if (story.verdict === undefined)
    lines.push(line(span(`${sinceFault(nowMs, TIME)}  `, 'dim'), span('…', 'dim')))
  return lines
}
