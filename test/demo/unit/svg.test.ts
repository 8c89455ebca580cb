/** The picture: well formed, everything in it, nothing outside its edges. */
import fc from 'fast-check'
import t from 'tap'
import { PHASES } from '../phases.ts'
import { axisStep, svg } from '../svg.ts'

const PICTURE = {
  title: 'power cut on n1 <&>',
  subtitle: '3 nodes',
  entries: PHASES.map((phase, i) => ({ phase, where: 'n2', ms: i * 1_000 })),
  writes: [
    { ms: -500, node: 'n1' },
    { ms: 9_000, node: 'n2' },
  ],
  verdict: { acknowledged: 2, lost: 0, secondWriters: 0 },
  good: true,
}

t.test('tells the phases, the writers and the verdict', async t => {
  const picture = svg(PICTURE)
  for (const words of [
    'first new write',
    'writes of n1 (1)',
    'writes of n2 (1)',
    'acknowledged 2, lost 0, second writers 0',
  ]) {
    t.ok(picture.includes(words), words)
  }
  t.ok(picture.includes('power cut on n1 &lt;&amp;&gt;'), 'text is escaped')
  t.equal(picture.match(/<text /g)?.length, picture.match(/<\/text>/g)?.length)
})

t.test('nothing lies outside', async t => {
  const picture = svg(PICTURE)
  const right = Number(/ width="(\d+)" height/.exec(picture)?.[1])
  for (const [found, x] of picture.matchAll(/\b(?:x|x1|x2|cx)="([-\d.]+)"/g))
    t.ok(Number(x) >= 0 && Number(x) <= right, found)
})

t.test('property: an axis has two to eleven marks', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 1_000_000 }),
      span => span / axisStep(span) <= 10 && span / axisStep(span) >= 2,
    ),
  )
})

t.test('a run without phases still makes a picture', async t => {
  t.match(svg({ ...PICTURE, entries: [], writes: [] }), /^<svg [\s\S]*<\/svg>\n$/)
})
