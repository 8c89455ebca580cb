/** What stands on the screen: it fits, it is not coloured unless asked, and it says what happened. */
import fc from 'fast-check'
import t from 'tap'
import { newStory, reduceStory, type Story, type StoryEvent } from '../story.ts'
import { frame } from '../view/frame.ts'
import { clip, fitText, paintColor, paintPlain, span, width } from '../view/line.ts'
import { grouped, sinceFault } from '../view/numbers.ts'
import { plainLines } from '../view/plain.ts'

const HEAD = { fault: 'power', cluster: 'embedded', runs: 1, nodes: ['n1', 'n2', 'n3'] } as const
const START = 1_000_000

const EVENTS: readonly StoryEvent[] = [
  { kind: 'run', at: START, run: 1, victim: 'n1' },
  {
    kind: 'node',
    at: START,
    node: 'n1',
    seen: {
      power: 'up',
      role: 'Primary',
      disk: 'UpToDate',
      connection: 'Connected',
      agent: 'armed',
      pod: 'writer-0',
    },
  },
  { kind: 'step', at: START + 1, text: 'the pod writes' },
  { kind: 'writes', at: START + 900, node: 'n1', count: 1234 },
  { kind: 'fault', at: START + 1_000, node: 'n1', text: 'power cut on n1' },
  { kind: 'happening', at: START + 1_851, happening: { at: START + 1_851, phase: 'suspected', where: 'n2' } },
]
const VERDICT: StoryEvent = {
  kind: 'verdict',
  at: START + 20_000,
  verdict: { acknowledged: 1300, lost: 0, secondWriters: 0 },
  expectations: [{ text: 'no acknowledged write is lost', holds: true, because: 'lost 0 of 1300' }],
}

const play = (events: readonly StoryEvent[]): Story => events.reduce(reduceStory, newStory(HEAD, START))
const screen = (story: Story, now: number, columns = 80, rows = 50): string[] =>
  frame(story, now, { columns, rows }).map(paintPlain)

t.test('the screen tells the story', async t => {
  const text = screen(play(EVENTS), START + 2_000).join('\n')
  t.match(text, /power cut on n1 · 3 nodes · embedded cluster/)
  t.match(text, /n1 +● up +Primary +UpToDate +linked +armed +▶ writer-0/)
  t.match(text, /acknowledged writes 1\u00a0234 +on n1/)
  t.match(text, /\+851\u00a0ms +suspected +n2/)
  t.match(text, /the pod writes/)
  t.notMatch(text, /verdict/)
})

t.test('the verdict is the last line, in the words that scripts look for', async t => {
  const lines = screen(play([...EVENTS, VERDICT]), START + 20_000).filter(line => line !== '')
  t.equal(lines.at(-1)?.trim(), 'acknowledged 1300, lost 0, second writers 0')
})

t.test('property: no line is wider than the terminal, no screen higher', async () => {
  const story = play([...EVENTS, VERDICT])
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 200 }), fc.integer({ min: 5, max: 60 }), (columns, rows) => {
      const lines = frame(story, START + 20_000, { columns, rows })
      return lines.length < rows && lines.every(line => width(line) <= columns)
    }),
  )
})

t.test('colours only when painted with them, and never wider for it', async t => {
  const line = [span('dead', 'bad'), span(' or not')]
  t.equal(paintPlain(line), 'dead or not')
  t.equal(paintColor(line), '\x1b[1;31mdead\x1b[0m or not')
  t.equal(width(clip(line, 6)), 6)
  t.equal(fitText('UpToDate', 5), 'UpTo…')
})

t.test('plain lines say only what changed', async t => {
  const story = play(EVENTS.slice(0, 2))
  const same = EVENTS[1]!
  t.strictSame(plainLines(story, same), [])
  const lines = plainLines(story, { kind: 'node', at: START + 2_500, node: 'n1', seen: { disk: 'Diskless' } })
  t.strictSame(lines.map(paintPlain), ['    2.5 s  n1: Diskless'])
})

t.test('a second run starts its counter anew and keeps the score', async t => {
  const story = play([...EVENTS, VERDICT, { kind: 'run', at: START + 30_000, run: 2, victim: 'n2' }])
  t.equal(story.writes.total, 0)
  t.equal(story.fault, undefined)
  t.strictSame([story.ended, story.good], [1, 1])
})

t.test('numbers', async t => {
  t.equal(grouped(1234567), '1\u00a0234\u00a0567')
  t.equal(sinceFault(12), '+12\u00a0ms')
})
