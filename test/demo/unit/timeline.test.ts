/** The timeline: first of each phase, since the fault, in order. */
import fc from 'fast-check'
import t from 'tap'
import { PHASES } from '../phases.ts'
import { CLOCK_SLACK_MS, type Happening, phasesMs, timeline } from '../timeline.ts'

const FAULT = 1_000_000

t.test('takes the first of each phase and counts from the fault', async t => {
  const entries = timeline(FAULT, [
    { at: FAULT + 900, phase: 'suspected', where: 'n3' },
    { at: FAULT + 850.4, phase: 'suspected', where: 'n2', detail: 'no ack' },
    { at: FAULT + 8500, phase: 'proven', where: 'n2' },
  ])
  t.strictSame(entries, [
    { phase: 'suspected', where: 'n2', ms: 850, detail: 'no ack' },
    { phase: 'proven', where: 'n2', ms: 8500 },
  ])
  const ms = phasesMs(entries)
  t.equal(ms.suspected, 850)
  t.equal(ms.firstWrite, null, 'what did not happen is null')
  t.strictSame(Object.keys(ms), [...PHASES])
})

t.test('what lies before the fault is not of this fault, but a little skew is forgiven', async t => {
  t.strictSame(timeline(FAULT, [{ at: FAULT - CLOCK_SLACK_MS - 1, phase: 'mounted', where: 'n1' }]), [])
  t.equal(timeline(FAULT, [{ at: FAULT - 3, phase: 'kernelEvent', where: 'n1' }])[0]?.ms, 0)
})

t.test('phases of one instant keep their natural order', async t => {
  const at = FAULT + 10
  const entries = timeline(FAULT, [
    { at, phase: 'attachmentFreed', where: 'api' },
    { at, phase: 'podDeleted', where: 'api' },
  ])
  t.strictSame(
    entries.map(entry => entry.phase),
    ['podDeleted', 'attachmentFreed'],
  )
})

t.test(
  'property: the order in which sources tell does not matter, and time never runs backwards',
  async t => {
    const happening = fc.record({
      at: fc.integer({ min: FAULT - 100, max: FAULT + 20_000 }),
      phase: fc.constantFrom(...PHASES),
      where: fc.constant('n2'),
    })
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), (happenings: Happening[]) => {
        const entries = timeline(FAULT, happenings)
        t.strictSame(timeline(FAULT, [...happenings].reverse()), entries)
        return entries.every((entry, i) => entry.ms >= 0 && (i === 0 || entry.ms >= entries[i - 1]!.ms))
      }),
      { numRuns: 100 },
    )
  },
)
