/** The lease-bound watchdog as a whole: no verdict about a boot that runs, whatever breaks (docs/decisions/0004). */
import fc from 'fast-check'
import t from 'tap'
import { bootOf } from './machine.ts'
import { type Plot, plots, SILENCE_MS, SIM_POLICY } from './plots.ts'
import { holds } from './property.ts'
import { simulate } from './simulation.ts'

const { leaseMs, watchdogMs } = SIM_POLICY.lease

const calm: Plot = {
  nodes: 3,
  seed: 1,
  lossPercent: 0,
  slowestMs: 20,
  clocks: [],
  faults: [],
  lengthMs: 8000,
}

const verdicts = new Map<string, number>()

holds(
  'nobody holds a boot for over that runs, and nobody feeds without a majority',
  fc.property(plots, plot => {
    const outcome = simulate(plot)
    for (const { reason } of outcome.verdicts) verdicts.set(reason, (verdicts.get(reason) ?? 0) + 1)
    if (outcome.violations.length > 0) throw new Error(outcome.violations.join('\n'))
  }),
  400,
)

t.test('the runs reached verdicts of every kind', t => {
  t.comment(JSON.stringify([...verdicts]))
  for (const reason of ['lease', 'new-boot', 'told']) t.ok((verdicts.get(reason) ?? 0) > 0, reason)
  t.end()
})

t.test('without a fault everybody is armed and fed, and there is no verdict', t => {
  const { violations, verdicts, resets, feeds, state } = simulate(calm)
  t.same({ violations, verdicts, resets }, { violations: [], verdicts: [], resets: 0 })
  t.ok(feeds > 3 * 30, `${feeds} feeds`)
  for (const node of [0, 1, 2]) t.equal(state(node)?.watchdog.device, 'open')
  t.end()
})

t.test('after a power cut both survivors have the proof as soon as it is due', t => {
  const cutAt = 3000
  const { violations, verdicts } = simulate({
    ...calm,
    lengthMs: 10_000,
    faults: [{ atMs: cutAt, fault: { kind: 'power', node: 2, backAfterMs: 60_000 } }],
  })
  t.same(violations, [])
  t.same(
    new Set(verdicts.map(({ by, boot }) => `${by} ${boot}`)),
    new Set(['n1', 'n2'].map(by => `${by} ${bootOf(2, 1)}`)),
  )
  for (const { atMs, by } of verdicts) {
    const took = atMs - 1000 - cutAt
    t.ok(took >= SILENCE_MS - 2 * SIM_POLICY.lease.beatMs, `${by}: ${took} ms`)
    t.ok(took <= SILENCE_MS + 2 * SIM_POLICY.lease.beatMs, `${by}: ${took} ms`)
  }
  t.end()
})

t.test('an isolated node resets itself before anybody holds it for over', t => {
  const { violations, verdicts, resets } = simulate({
    ...calm,
    lengthMs: 12_000,
    faults: [{ atMs: 3000, fault: { kind: 'isolate', node: 0 } }],
  })
  t.same(violations, [])
  t.equal(resets, 1, 'once: in its new boot it cannot open the device without a majority')
  t.ok(verdicts.some(({ boot, reason }) => boot === bootOf(0, 1) && reason === 'lease'))
  t.end()
})

t.test('an agent that comes back in time keeps its node alive', t => {
  const { resets, verdicts } = simulate({
    ...calm,
    lengthMs: 10_000,
    faults: [{ atMs: 3000, fault: { kind: 'kill', node: 1, backAfterMs: watchdogMs - 400 } }],
  })
  t.same({ resets, verdicts }, { resets: 0, verdicts: [] })
  t.end()
})

t.test('a clean stop disarms, and its silence is never taken for death', t => {
  const { resets, verdicts, disarms, violations } = simulate({
    ...calm,
    lengthMs: 12_000,
    faults: [{ atMs: 3000, fault: { kind: 'stop', node: 1, backAfterMs: 60_000 } }],
  })
  t.same({ resets, verdicts, disarms, violations }, { resets: 0, verdicts: [], disarms: 1, violations: [] })
  t.end()
})

t.test('an outage of the whole network resets every node once, and nobody is held for over that runs', t => {
  const faults = [0, 1, 2].map(node => ({ atMs: 3000, fault: { kind: 'isolate', node } as const }))
  const { resets, violations } = simulate({
    ...calm,
    lengthMs: 20_000,
    faults: [...faults, { atMs: 15_000, fault: { kind: 'heal' } }],
  })
  t.same({ resets, violations }, { resets: 3, violations: [] })
  t.end()
})

t.test('a node whose feed was held up until the lease had ended resets itself', t => {
  const { resets, violations } = simulate({
    ...calm,
    lengthMs: 8000,
    faults: [{ atMs: 3000, fault: { kind: 'freeze', node: 0, forMs: 1600, inFeed: true } }],
  })
  t.same({ resets, violations }, { resets: 1, violations: [] })
  t.end()
})

t.test(
  'an agent that dies when its lease has run out gives its node one more time-out, and the others wait for it',
  t => {
    const killAt = 3000 + leaseMs + watchdogMs - 300
    const outcome = (held: boolean) =>
      simulate({
        ...calm,
        lengthMs: 12_000,
        clocks: [{ agent: 0, device: 0, held }],
        faults: [
          { atMs: 3000, fault: { kind: 'isolate', node: 0 } },
          { atMs: killAt, fault: { kind: 'kill', node: 0, backAfterMs: 60_000 } },
        ],
      })
    for (const held of [true, false]) {
      const { violations, verdicts } = outcome(held)
      t.same(violations, [])
      const provenAt = Math.min(...verdicts.map(({ atMs }) => atMs - 1000 - 3000))
      const due = SILENCE_MS + (held ? 0 : watchdogMs)
      t.ok(provenAt >= due - 300 && provenAt <= due + 400, `held ${held}: ${provenAt} ms, due ${due}`)
    }
    t.end()
  },
)
