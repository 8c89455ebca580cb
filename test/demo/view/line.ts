/** Lines of toned text: measured, cut and padded before any colour is added. Pure. */

export type Tone = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'warn' | 'mark'

export interface Span {
  readonly text: string
  readonly tone: Tone
}
export type Line = readonly Span[]

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone })
export const line = (...spans: readonly Span[]): Line => spans
export const blank: Line = []

/** Columns of a text. Everything that we print is one column a code point. */
export const columns = (text: string): number => [...text].length

export const width = (spans: Line): number => spans.reduce((sum, { text }) => sum + columns(text), 0)

/** The text in exactly `size` columns: cut with an ellipsis, or filled up. */
export function fitText(text: string, size: number): string {
  const points = [...text]
  if (points.length <= size) return text + ' '.repeat(size - points.length)
  return size <= 0 ? '' : `${points.slice(0, size - 1).join('')}…`
}

/** No line may be wider than the terminal: it would wrap, and redrawing in place would count wrong. */
export function clip(spans: Line, size: number): Line {
  const kept: Span[] = []
  let left = size
  for (const { text, tone } of spans) {
    const length = columns(text)
    if (length > left) {
      if (left > 0) kept.push({ text: fitText(text, left), tone })
      break
    }
    kept.push({ text, tone })
    left -= length
  }
  return kept
}

const SGR: Readonly<Record<Tone, string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  bad: '1;31',
  warn: '33',
  mark: '36',
}

export type Painter = (spans: Line) => string

export const paintPlain: Painter = spans =>
  spans
    .map(({ text }) => text)
    .join('')
    .trimEnd()

export const paintColor: Painter = spans =>
  spans
    .map(({ text, tone }) => (SGR[tone] === '' || text === '' ? text : `\x1b[${SGR[tone]}m${text}\x1b[0m`))
    .join('')
