/** Percentiles by nearest rank, and the table that is made of them. */
import fc from 'fast-check'
import t from 'tap'
import { percentile, phaseFigures } from '../percentiles.ts'
import { phasesMs } from '../timeline.ts'
import { tableLines } from '../view/table.ts'

t.test('nearest rank', async t => {
  const ten = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
  t.equal(percentile(ten, 50), 5)
  t.equal(percentile(ten, 99), 10)
  t.equal(percentile([7], 99), 7)
  t.equal(percentile([], 50), undefined)
})

t.test('property: a percentile is one of the values, and at least so many do not exceed it', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const found = percentile(values, percent)!
      const notAbove = values.filter(value => value <= found).length
      const below = values.filter(value => value < found).length
      return (
        values.includes(found) &&
        notAbove / values.length >= percent / 100 &&
        below / values.length < percent / 100
      )
    }),
  )
})

t.test('a run without a phase does not count in it', async t => {
  const some = phasesMs([{ phase: 'proven', where: 'n2', ms: 8400 }])
  const none = phasesMs([])
  const proven = phaseFigures([some, none]).find(figures => figures.phase === 'proven')
  t.strictSame(proven, { phase: 'proven', runs: 1, p50: 8400, p99: 8400 })
})

t.test('the table is Markdown, aligned', async t => {
  const lines = tableLines(phaseFigures([phasesMs([{ phase: 'firstWrite', where: 'n2', ms: 12_345 }])]))
  t.match(lines[0], /^\| ms since the fault +\| runs \| +p50 \| +p99 \|$/)
  t.match(lines[1], /^\|-+\|-+:\|-+:\|-+:\|$/)
  t.match(lines.at(-1), /first new write +\| +1 \| 12\u00a0345 \| 12\u00a0345 \|/)
  t.equal(new Set(lines.map(line => [...line].length)).size, 1, 'all lines are equally long')
})
