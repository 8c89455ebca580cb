/** The whole screen of the live view: one state and one instant → lines that fit the terminal. Pure. */
import { FAULT_WORDS } from '../phases.ts'
import type { Story } from '../story.ts'
import { blank, clip, type Line, line, span } from './line.ts'
import { nodeLines } from './nodes.ts'
import { timelineLines } from './timeline-lines.ts'
import { verdictLines } from './verdict-lines.ts'
import { writerLines } from './writer.ts'

export interface ScreenSize {
  readonly columns: number
  readonly rows: number
}

function headLine(story: Story): Line {
  const { head } = story
  const run = head.runs === 1 ? '' : ` · run ${story.run} of ${head.runs}`
  const sofar = story.ended === 0 || head.runs === 1 ? '' : ` · ${story.good} of ${story.ended} good`
  const what = `${FAULT_WORDS[head.fault]} on ${story.victim ?? head.nodes[0] ?? 'n1'}`
  return line(
    span(' hawser ', 'bold'),
    span(`· ${what} · ${head.nodes.length} nodes · ${head.cluster} cluster${run}`),
    span(sofar, story.good === story.ended ? 'good' : 'bad'),
  )
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

function stepLine(story: Story, now: number): Line {
  if (story.verdict !== undefined || story.step === '') return blank
  const turn = SPINNER[Math.floor(now / 120) % SPINNER.length] ?? '·'
  return line(span(` ${turn} `, 'mark'), span(story.step))
}

/** When the terminal is too low, the oldest lines above the timeline go first: what just happened must be seen. */
function fitRows(lines: readonly Line[], rows: number): readonly Line[] {
  return lines.length <= rows ? lines : lines.slice(lines.length - rows)
}

export function frame(story: Story, now: number, size: ScreenSize): Line[] {
  const columns = Math.max(20, size.columns)
  const lines = [
    headLine(story),
    blank,
    ...nodeLines(story),
    blank,
    ...writerLines(story, now, columns),
    blank,
    ...timelineLines(story, now, columns),
    ...verdictLines(story, columns),
    stepLine(story, now),
  ]
  return fitRows(lines, size.rows - 1).map(each => clip(each, columns))
}
