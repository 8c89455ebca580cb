import fc from 'fast-check'
import t from 'tap'
import {
  decideLease,
  holdsLease,
  type LeasePolicy,
  type LeaseSeen,
  type LeaseView,
} from '../../../coordinator/kube/lease-rule.ts'

const POLICY: LeasePolicy = { durationMs: 15_000, holdMs: 10_000, everyMs: 3_000 }

/** One replica: its clock's rate and start, and when it looks. */
interface Replica {
  readonly rate: number
  readonly offset: number
  view: LeaseView
}

/** What happens at a step: who looks, after how much true time, and how its request fares. */
const step = fc.record({
  who: fc.nat({ max: 2 }),
  // Drawn around the times where the rule turns: a renewal, the end of a hold, the end of the duration.
  afterMs: fc.oneof(
    fc.nat({ max: 1_500 }),
    fc.integer({ min: 8_000, max: 12_000 }),
    fc.integer({ min: 12_000, max: 18_000 }),
  ),
  /** Time in flight, to the server and back. */
  outMs: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 6_000 })),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'answer lost', 'request lost', 'gives back'),
})

/** Rates that differ by less than durationMs / holdMs = 1.5: the slowest against the fastest is 1.44. */
const rate = fc.oneof(fc.constantFrom(0.84, 1.2), fc.double({ min: 0.84, max: 1.2, noNaN: true }))
const run = fc.record({
  rates: fc.tuple(rate, rate, rate),
  offsets: fc.tuple(fc.nat({ max: 1e6 }), fc.nat({ max: 1e6 }), fc.nat({ max: 1e6 })),
  steps: fc.array(step, { minLength: 10, maxLength: 60 }),
})

/** The most replicas that held at one moment, over a whole run; every moment at which something changes is looked at. */
function mostHolders(input: typeof run extends fc.Arbitrary<infer Input> ? Input : never): number {
  let lease: LeaseSeen | undefined
  let version = 0
  let time = 0
  const names = ['a', 'b', 'c']
  const clock = (replica: Replica): number => replica.offset + time * replica.rate
  const replicas = names.map(
    (me, index): Replica => ({
      rate: input.rates[index] ?? 1,
      offset: input.offsets[index] ?? 0,
      view: { me, seen: undefined, seenAt: 0, renewedAt: undefined },
    }),
  )
  let most = 0
  const count = (): void => {
    most = Math.max(most, replicas.filter(replica => holdsLease(replica.view, POLICY, clock(replica))).length)
  }
  for (const { who, afterMs, outMs, fate } of input.steps) {
    time += afterMs
    count()
    const replica = replicas[who]
    if (replica === undefined) continue
    if (lease?.version !== replica.view.seen?.version || lease === undefined)
      replica.view = { ...replica.view, seen: lease, seenAt: clock(replica) }
    const sentAt = clock(replica)
    if (fate === 'gives back') {
      // The work has ended before the Lease is given back.
      const held = lease?.holder === replica.view.me
      replica.view = { ...replica.view, renewedAt: undefined }
      if (held && lease !== undefined) lease = { ...lease, holder: '', version: String(++version) }
      continue
    }
    const verdict = decideLease(replica.view, POLICY, sentAt)
    if (verdict.kind === 'wait') {
      replica.view = { ...replica.view, renewedAt: undefined }
      continue
    }
    const basis = lease?.version
    time += outMs
    count()
    if (fate === 'request lost' || lease?.version !== basis) continue
    lease = {
      holder: replica.view.me,
      version: String(++version),
      durationMs: POLICY.durationMs,
      transitions: 0,
      acquireTime: undefined,
    }
    time += outMs
    if (fate === 'answered')
      replica.view = { ...replica.view, seen: lease, seenAt: clock(replica), renewedAt: sentAt }
    count()
  }
  return most
}

t.test("never two holders while the clocks' rates differ by less than durationMs / holdMs", async t => {
  fc.assert(
    fc.property(run, input => mostHolders(input) <= 1),
    { numRuns: 3_000 },
  )
  t.pass('3000 runs')
})

t.test('the property can fail: clocks that run further apart make two holders', async t => {
  const tooFar = run.map(input => ({ ...input, rates: [0.5, 2, 1] as [number, number, number] }))
  const found = fc.check(
    fc.property(tooFar, input => mostHolders(input) <= 1),
    { numRuns: 5_000 },
  )
  t.ok(found.failed, 'a run with two holders was found')
})
