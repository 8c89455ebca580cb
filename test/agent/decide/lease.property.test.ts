/** The lease: feeding is earned by a majority of fresh grants, and by nothing else. */
import fc from 'fast-check'
import t from 'tap'
import { decideLease } from '../../../agent/decide/lease.ts'
import { holds } from './property.ts'
import { asked, HASH, leaseMs, lives, node, OTHER_HASH, POLICY, play, start, turnTo } from './scene.ts'

const NOW = 20_000

/** Each other member has granted a beat sent around the end of the lease, or nothing. */
const grants = fc.integer({ min: 3, max: 7 }).chain(count =>
  fc.record({
    count: fc.constant(count),
    ages: fc.array(
      fc.option(fc.integer({ min: leaseMs - 50, max: leaseMs + 50 }).chain(age => fc.constantFrom(age, 10))),
      {
        minLength: count - 1,
        maxLength: count - 1,
      },
    ),
  }),
)

function scene(count: number, ages: readonly (number | null)[]) {
  let state = turnTo(start(count), NOW - leaseMs - 100)
  const events = ages
    .flatMap((age, index) => (age === null ? [] : [{ index, age }]))
    .sort((left, right) => right.age - left.age)
  for (let index = 2; index <= count; index++) state = lives(state, index, 1)
  for (const { index, age } of events) {
    state = turnTo(state, NOW - age)
    state = play(state, ...asked(index + 2, NOW - age, NOW - age + 1))
  }
  return turnTo(state, NOW)
}

holds(
  'the lease is held exactly while a majority, oneself among them, granted beats sent within it',
  fc.property(grants, ({ count, ages }) => {
    const fresh = ages.filter(age => age !== null && age < leaseMs).length
    const needed = Math.floor(count / 2)
    const lease = decideLease(scene(count, ages).mesh, POLICY, NOW)
    return (lease.kind === 'held') === fresh >= needed
  }),
)

holds(
  'it ends with the oldest grant that the majority needs',
  fc.property(grants, ({ count, ages }) => {
    const { mesh } = scene(count, ages)
    const lease = decideLease(mesh, POLICY, NOW)
    if (lease.kind === 'none') return true
    return (
      decideLease(mesh, POLICY, lease.until - 1).kind === 'held' &&
      decideLease(mesh, POLICY, lease.until).kind === 'none'
    )
  }),
)

t.test('fewer than three members: no lease, whoever grants', t => {
  const state = play(lives(turnTo(start(2), 1000), 2, 1), ...asked(2, 1000, 1001))
  t.match(decideLease(state.mesh, POLICY, 1001), { kind: 'none', because: /fewer than three/ })
  t.end()
})

t.test('a loop that turned late gives its leases up', t => {
  let state = lives(lives(turnTo(start(3), 1000), 2, 1), 3, 1)
  state = play(state, ...asked(2, 1000, 1001))
  t.equal(decideLease(state.mesh, POLICY, 1002).kind, 'held')
  t.equal(decideLease(play(state, { kind: 'turn', at: 2000 }).mesh, POLICY, 2000).kind, 'held')
  t.equal(decideLease(play(state, { kind: 'turn', at: 2101 }).mesh, POLICY, 2101).kind, 'none')
  t.equal(decideLease(play(state, { kind: 'turn', at: 900 }).mesh, POLICY, 900).kind, 'none', 'or went back')
  t.end()
})

t.test(
  'only answers to own beats count: of this boot, from the one who was asked, with the same members',
  t => {
    const first = lives(lives(turnTo(start(3), 1000), 2, 1), 3, 1)
    const held = (more: Parameters<typeof asked>[3]): string =>
      decideLease(play(first, ...asked(2, 1000, 1001, more)).mesh, POLICY, 1002).kind
    t.equal(held({}), 'held')
    t.equal(held({ granted: false, refused: 'members' }), 'none')
    t.equal(held({ membersHash: OTHER_HASH }), 'none')
    t.equal(held({ from: node(3) }), 'none')
    t.equal(held({ yourBootId: '00000001-0000-0000-0000-000000000009' as never }), 'none')
    t.equal(held({ nonce: HASH }), 'none')
    t.end()
  },
)
