/** The counter of acknowledged writes and the strip that shows where they stopped and went on. Pure. */
import { SLOT_MS, type Story } from '../story.ts'
import { type Line, line, type Span, span } from './line.ts'
import { ago, grouped } from './numbers.ts'

const BARS = '▁▂▃▄▅▆▇█'

/** One column a slot, newest at the right; a slot without writes is a dot, so that a gap is seen as a gap. */
export function strip(story: Story, now: number, size: number): Span[] {
  const last = Math.floor(now / SLOT_MS) - 1
  const faultSlot = story.fault === undefined ? undefined : Math.floor(story.fault.at / SLOT_MS)
  const slots = Array.from({ length: size }, (_, index) => last - size + 1 + index)
  const peak = Math.max(1, ...slots.map(slot => story.writes.slots.get(slot)?.count ?? 0))
  return slots.map(slot => {
    const filled = story.writes.slots.get(slot)
    if (slot === faultSlot) return span('┃', 'bad')
    if (filled === undefined) return span('·', 'dim')
    const bar = BARS[Math.min(BARS.length - 1, Math.floor((filled.count / peak) * BARS.length))] ?? '█'
    return span(bar, filled.node === story.victim ? 'mark' : 'good')
  })
}

export function writerLines(story: Story, now: number, columns: number): Line[] {
  const { total, lastAt, lastNode } = story.writes
  if (story.writes.slots.size === 0) return [line(span(' no write yet', 'dim'))]
  const counter = line(
    span(' acknowledged writes ', 'dim'),
    span(grouped(total), 'bold'),
    span(lastNode === undefined ? '' : `   on ${lastNode}`),
    span(
      lastAt === undefined ? '' : `, last ${ago(now - lastAt)}`,
      lastAt !== undefined && now - lastAt > 1000 ? 'warn' : 'dim',
    ),
  )
  return [counter, line(span(' '), ...strip(story, now, columns - 2))]
}
