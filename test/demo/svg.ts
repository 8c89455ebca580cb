/** The timeline of a run as a picture: phases as a staircase over a time axis, acknowledged writes by node below. Pure. */
import type { Verdict } from './expectations.ts'
import { PHASE_WORDS } from './phases.ts'
import type { Entry } from './timeline.ts'
import { grouped, sinceFault } from './view/numbers.ts'
import { verdictSentence } from './view/verdict-lines.ts'

export interface Picture {
  /** For example "power cut on n1". */
  readonly title: string
  /** For example "3 nodes, real Kubernetes, DRBD 8.4". */
  readonly subtitle: string
  readonly entries: readonly Entry[]
  /** Acknowledged writes in ms since the fault (before it: negative), by node. */
  readonly writes: readonly { readonly ms: number; readonly node: string }[]
  readonly verdict: Verdict
  readonly good: boolean
}

const WIDTH = 1000
const LEFT = 310
const RIGHT = 70
const TOP = 92
const ROW = 30
const LANE = 34

const INK = '#1f2933'
const SOFT = '#7b8794'
const GRID = '#e4e7eb'
const LINE = '#2f6fb0'
const GOOD = '#2f855a'
const BAD = '#c53030'

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

interface TextStyle {
  readonly size?: number
  readonly fill?: string
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly weight?: number
}

function text(x: number, y: number, words: string, style: TextStyle = {}): string {
  const { size = 13, fill = INK, anchor = 'start', weight = 400 } = style
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escaped(words)}</text>`
}

const stroke = (x1: number, y1: number, x2: number, y2: number, color: string, extra = ''): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}" ${extra}/>`

/** A step of 1, 2 or 5 times a power of ten that gives at most ten marks. */
export function axisStep(spanMs: number): number {
  const rough = Math.max(1, spanMs / 10)
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10)
}

const axisWord = (ms: number, step: number): string => (step < 1000 ? `${ms} ms` : `${ms / 1000} s`)

/** Where the picture's time begins and ends: a second before the fault, a little after the last thing shown. */
function spanOf(picture: Picture): { from: number; to: number } {
  const last = Math.max(1000, ...picture.entries.map(entry => entry.ms))
  return { from: -1000, to: Math.ceil((last * 1.08 + 500) / 500) * 500 }
}

function grid(from: number, to: number, x: (ms: number) => number, bottom: number): string[] {
  const step = axisStep(to - from)
  const parts: string[] = []
  for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
    if (ms !== 0) parts.push(stroke(x(ms), TOP - 10, x(ms), bottom, GRID))
    parts.push(text(x(ms), bottom + 18, axisWord(ms, step), { size: 11, fill: SOFT, anchor: 'middle' }))
  }
  return [...parts, stroke(x(0), TOP - 18, x(0), bottom, BAD, 'stroke-width="1.5"')]
}

function staircase(entries: readonly Entry[], x: (ms: number) => number): string[] {
  return entries.flatMap((entry, row) => {
    const y = TOP + row * ROW + ROW / 2
    const before = entries[row - 1]
    const color = entry.phase === 'firstWrite' ? GOOD : LINE
    return [
      text(LEFT - 128, y + 4, PHASE_WORDS[entry.phase], { anchor: 'end' }),
      text(LEFT - 20, y + 4, `${entry.where}  ${sinceFault(entry.ms)}`, {
        size: 12,
        fill: SOFT,
        anchor: 'end',
      }),
      ...(before === undefined
        ? []
        : [stroke(x(before.ms), y - ROW + 6, x(before.ms), y, GRID, 'stroke-width="1.5"')]),
      stroke(
        x(before?.ms ?? 0),
        y,
        x(entry.ms),
        y,
        color,
        'stroke-width="5" stroke-linecap="round" opacity="0.35"',
      ),
      `<circle cx="${x(entry.ms).toFixed(1)}" cy="${y}" r="5" fill="${color}"/>`,
    ]
  })
}

/** One lane a node; a bar for each slot of time with an acknowledged write, as high as the slot was busy. */
function lanes(
  picture: Picture,
  x: (ms: number) => number,
  top: number,
  range: { from: number; to: number },
): string[] {
  const slotMs = (range.to - range.from) / 160
  const nodes = [...new Set(picture.writes.map(write => write.node))].sort()
  const shown = picture.writes.filter(write => write.ms >= range.from && write.ms <= range.to)
  const counts = new Map<string, number>()
  for (const { ms, node } of shown) {
    const key = `${node} ${Math.floor((ms - range.from) / slotMs)}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const peak = Math.max(1, ...counts.values())
  return nodes.flatMap((node, lane) => {
    const base = top + (lane + 1) * LANE - 6
    const bars = [...counts].flatMap(([key, count]) => {
      const [owner, slot] = key.split(' ')
      if (owner !== node) return []
      const height = Math.max(2, (count / peak) * (LANE - 12))
      const left = x(range.from + Number(slot) * slotMs)
      return [
        `<rect x="${left.toFixed(1)}" y="${(base - height).toFixed(1)}" width="${(x(slotMs) - x(0) - 0.6).toFixed(1)}" height="${height.toFixed(1)}" fill="${lane === 0 ? LINE : GOOD}" opacity="0.75"/>`,
      ]
    })
    const total = picture.writes.filter(write => write.node === node).length
    return [
      text(LEFT - 20, base - 6, `writes of ${node} (${grouped(total)})`, {
        anchor: 'end',
        size: 12,
        fill: SOFT,
      }),
      stroke(LEFT, base, WIDTH - RIGHT, base, GRID),
      ...bars,
    ]
  })
}

export function svg(picture: Picture): string {
  const range = spanOf(picture)
  const x = (ms: number): number =>
    LEFT + ((ms - range.from) / (range.to - range.from)) * (WIDTH - RIGHT - LEFT)
  const laneCount = new Set(picture.writes.map(write => write.node)).size
  const lanesTop = TOP + Math.max(1, picture.entries.length) * ROW + 8
  const bottom = lanesTop + laneCount * LANE
  const height = bottom + 64
  const color = picture.good ? GOOD : BAD
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, 'DejaVu Sans', Arial, sans-serif">`,
    `<title>${escaped(picture.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(24, 36, picture.title, { size: 20, weight: 600 }),
    text(24, 56, picture.subtitle, { size: 12, fill: SOFT }),
    ...grid(range.from, range.to, x, bottom),
    text(x(0) + 6, TOP - 8, 'fault', { size: 11, fill: BAD }),
    ...staircase(picture.entries, x),
    ...lanes(picture, x, lanesTop, range),
    text(24, height - 18, verdictSentence(picture.verdict), { size: 14, weight: 600, fill: color }),
    '</svg>',
  ].join('\n')}\n`
}
