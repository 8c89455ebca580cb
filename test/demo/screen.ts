/** Puts the story on a terminal, redrawn in place, or writes it as plain lines when nobody looks. */
import { newStory, reduceStory, type Story, type StoryEvent, type StoryHead } from './story.ts'
import { frame } from './view/frame.ts'
import { type Line, type Painter, paintColor, paintPlain } from './view/line.ts'
import { plainLines } from './view/plain.ts'

/** The little of a stream that a screen needs. */
export interface Output {
  write(text: string): void
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export interface Screen extends Disposable {
  tell(event: StoryEvent): void
  /** Lines that stay on screen below what was drawn. */
  say(lines: readonly string[]): void
}

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const ERASE_LINE = '\x1b[K'
const ERASE_BELOW = '\x1b[J'
/** Ten pictures a second are smooth enough, and leave the processor to the guests. */
const REDRAW_MS = 100

function openPlain(head: StoryHead, output: Output, paint: Painter): Screen {
  let story: Story = newStory(head, Date.now())
  return {
    tell(event) {
      for (const each of plainLines(story, event)) output.write(`${paint(each)}\n`)
      story = reduceStory(story, event)
    },
    say(lines) {
      for (const each of lines) output.write(`${each}\n`)
    },
    [Symbol.dispose]() {},
  }
}

function openLive(head: StoryHead, output: Output, paint: Painter): Screen {
  let story: Story = newStory(head, Date.now())
  let drawn = 0
  // The last picture may be higher than the terminal: nothing is redrawn after it, so it may scroll.
  const draw = (rows = output.rows ?? 24): void => {
    const size = { columns: output.columns ?? 80, rows }
    const lines: Line[] = frame(story, Date.now(), size)
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`
    output.write(`${up}\r${lines.map(each => `${paint(each)}${ERASE_LINE}\n`).join('')}${ERASE_BELOW}`)
    drawn = lines.length
  }
  output.write(HIDE_CURSOR)
  const timer = setInterval(() => draw(), REDRAW_MS)
  return {
    tell(event) {
      story = reduceStory(story, event)
      if (event.kind === 'fault' || event.kind === 'verdict') draw()
    },
    say(lines) {
      draw(Number.POSITIVE_INFINITY)
      drawn = 0
      for (const each of lines) output.write(`${each}\n`)
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      if (drawn > 0) draw(Number.POSITIVE_INFINITY)
      output.write(SHOW_CURSOR)
    },
  }
}

export function openScreen(head: StoryHead, output: Output, color: boolean): Screen {
  if (output.isTTY === true) return openLive(head, output, color ? paintColor : paintPlain)
  return openPlain(head, output, paintPlain)
}
