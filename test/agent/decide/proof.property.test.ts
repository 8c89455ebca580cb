/** The proof by silence: windows around the threshold, against a search over all sets of members. */
import fc from 'fast-check'
import t from 'tap'
import { decideProof } from '../../../agent/decide/proof.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { SaidStatement } from '../../../agent/wire/mesh-types.ts'
import { holds } from './property.ts'
import {
  asked,
  boot,
  condemn,
  lives,
  node,
  OTHER_HASH,
  POLICY,
  play,
  SILENCE,
  said,
  start,
  turnTo,
  watchdogMs,
} from './scene.ts'

const NOW = 60_000
const LOST = 2

interface Witness {
  /** Milliseconds before NOW. */
  readonly quietSince: number
  readonly askedAgo: number
  readonly tookMs: number
  readonly armed: boolean
  readonly sameHash: boolean
  readonly sameBoot: boolean
  readonly resetMs: number
}

/** Most witnesses are fit, and their windows begin and end near the point where the proof begins to stand. */
const witness: fc.Arbitrary<Witness> = fc.record({
  quietSince: fc.integer({ min: SILENCE - 60, max: SILENCE + 200 }),
  askedAgo: fc.integer({ min: 0, max: 120 }),
  tookMs: fc.integer({ min: 0, max: 60 }),
  armed: usually(true, false),
  sameHash: usually(true, false),
  sameBoot: usually(true, false),
  resetMs: usually(watchdogMs, watchdogMs + 40),
})

function usually<T>(common: T, rare: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 15, arbitrary: fc.constant(common) }, { weight: 1, arbitrary: fc.constant(rare) })
}

const scenes = fc.integer({ min: 3, max: 6 }).chain(count =>
  fc.record({
    count: fc.constant(count),
    ownQuiet: fc.integer({ min: SILENCE - 60, max: SILENCE + 200 }),
    witnesses: fc.array(fc.option(witness, { freq: 12 }), { minLength: count - 2, maxLength: count - 2 }),
  }),
)

function statementOf(witness: Witness, heardAt: number): SaidStatement {
  return said(LOST, heardAt - (NOW - witness.quietSince), {
    life: {
      bootId: witness.sameBoot ? boot(LOST) : boot(LOST, 9),
      armed: witness.armed,
      resetMs: witness.resetMs,
      membersHash: witness.sameHash ? 'a'.repeat(16) : OTHER_HASH,
    },
  })
}

function stage(count: number, ownQuiet: number, witnesses: readonly (Witness | null)[]): NodeState {
  let state = lives(turnTo(start(count), NOW - ownQuiet), LOST, 1)
  for (let index = 3; index <= count; index++) state = lives(state, index, 1)
  state = turnTo(state, NOW - 130)
  for (const [index, witness] of witnesses.entries()) {
    if (witness === null) continue
    const askedAt = NOW - witness.askedAgo
    const heardAt = askedAt + Math.min(witness.tookMs, witness.askedAgo)
    state = play(
      state,
      ...asked(index + 3, askedAt, heardAt, { statements: [statementOf(witness, heardAt)] }),
    )
  }
  return turnTo(state, NOW)
}

/** The rule as it stands in the document, by trying every set. */
function bySearch(count: number, ownQuiet: number, witnesses: readonly (Witness | null)[]): boolean {
  const needed = count - (Math.floor(count / 2) + 1)
  const fit = witnesses.filter(one => one !== null).filter(one => one.armed && one.sameHash && one.sameBoot)
  const resetMs = Math.max(watchdogMs, ...fit.map(one => one.resetMs))
  const silence = SILENCE - watchdogMs + resetMs
  const sets = subsets(fit, needed)
  return sets.some(set => {
    const from = Math.max(NOW - ownQuiet, ...set.map(one => NOW - one.quietSince))
    const to = Math.min(NOW, ...set.map(one => NOW - one.askedAgo))
    return to - from >= silence
  })
}

function subsets<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]]
  return items.flatMap((item, index) =>
    subsets(items.slice(index + 1), size - 1).map(rest => [item, ...rest]),
  )
}

holds(
  'a boot is over exactly when enough members can vouch for enough common silence',
  fc.property(scenes, ({ count, ownQuiet, witnesses }) => {
    const proof = decideProof(stage(count, ownQuiet, witnesses).mesh, POLICY, node(LOST), NOW)
    return (proof.kind === 'over') === bySearch(count, ownQuiet, witnesses)
  }),
  600,
)

holds(
  'the earliest time is honest: before it there is no proof, and with the silence lasting until then there is one',
  fc.property(fc.integer({ min: 100, max: SILENCE - 50 }), ownQuiet => {
    const fit = { askedAgo: 0, tookMs: 0, armed: true, sameHash: true, sameBoot: true, resetMs: watchdogMs }
    const state = stage(3, ownQuiet, [{ ...fit, quietSince: ownQuiet + 20 }])
    const proof = decideProof(state.mesh, POLICY, node(LOST), NOW)
    if (proof.kind === 'over' || proof.earliest === undefined) return false
    const at = proof.earliest
    const still = play(
      turnTo(state, at),
      ...asked(3, at, at, { statements: [said(LOST, at - NOW + ownQuiet + 20)] }),
    )
    return (
      decideProof(still.mesh, POLICY, node(LOST), at).kind === 'over' &&
      decideProof(turnTo(state, at - 1).mesh, POLICY, node(LOST), at - 1).kind === 'unproven'
    )
  }),
)

holds(
  'the same evidence at a later time proves the same or more',
  fc.property(scenes, fc.integer({ min: 0, max: 900 }), ({ count, ownQuiet, witnesses }, laterMs) => {
    const state = stage(count, ownQuiet, witnesses)
    const before = decideProof(state.mesh, POLICY, node(LOST), NOW)
    const after = decideProof(turnTo(state, NOW + laterMs).mesh, POLICY, node(LOST), NOW + laterMs)
    return before.kind !== 'over' || after.kind === 'over'
  }),
)

holds(
  'a jump of the clock proves nothing',
  fc.property(
    fc.integer({ min: 1500, max: 10 * SILENCE }),
    fc.integer({ min: 0, max: SILENCE - 100 }),
    fc.boolean(),
    (jump, quiet, forward) => {
      // Both members have heard of it a moment ago; then our clock jumps, and the other answers again.
      let state = lives(turnTo(start(3, 200_000), 200_000), LOST, 1)
      state = turnTo(lives(state, 3, 1), 200_000 + quiet)
      const at = 200_000 + quiet + (forward ? jump : -jump)
      state = play(state, { kind: 'turn', at })
      state = play(state, ...asked(3, at, at, { statements: [said(LOST, 20 * SILENCE)] }))
      return decideProof(state.mesh, POLICY, node(LOST), at).kind === 'unproven'
    },
  ),
)

t.test('never seen is not lost; a verdict stands for ever', t => {
  const state = turnTo(lives(turnTo(start(3), 1000), 3, 1), NOW)
  t.match(decideProof(state.mesh, POLICY, node(LOST), NOW), {
    kind: 'unproven',
    missing: /never seen/,
    earliest: undefined,
  })
  const over = condemn(lives(state, LOST, 1), LOST)
  t.match(decideProof(over.mesh, POLICY, node(LOST), NOW), { kind: 'over', bootId: boot(LOST) })
  const granted = play(over, ...asked(3, NOW, NOW, { statements: [said(LOST, 0)] }))
  t.match(decideProof(granted.mesh, POLICY, node(LOST), NOW), { kind: 'over', bootId: boot(LOST) })
  t.end()
})

t.test('two members: never a proof', t => {
  const state = turnTo(lives(turnTo(start(2), 0), LOST, 1), NOW)
  t.match(decideProof(state.mesh, POLICY, node(LOST), NOW), { kind: 'unproven', missing: /fewer than three/ })
  t.end()
})

t.test('what is missing is said in words, by member', t => {
  const missing = (witness: Partial<Witness>): string => {
    const fit = {
      quietSince: 9000,
      askedAgo: 0,
      tookMs: 0,
      armed: true,
      sameHash: true,
      sameBoot: true,
      resetMs: watchdogMs,
    }
    const proof = decideProof(stage(3, 9000, [{ ...fit, ...witness }]).mesh, POLICY, node(LOST), NOW)
    return proof.kind === 'over' ? 'over' : proof.missing
  }
  t.equal(missing({}), 'over')
  t.equal(missing({ armed: false }), 'n3: it has not announced a watchdog in this boot')
  t.equal(missing({ sameBoot: false }), 'n3: knows another boot of it')
  t.equal(missing({ sameHash: false }), 'n3: it announced another list of members')
  t.equal(missing({ quietSince: 100 }), 'it was granted a lease too recently')
  const silent = decideProof(stage(3, 9000, [null]).mesh, POLICY, node(LOST), NOW)
  t.match(silent, { missing: 'n3: has not said anything about it' })
  t.end()
})

t.test('a member with another list, or one that is no member, vouches for nothing', t => {
  const state = lives(turnTo(start(3), NOW - 10_000), LOST, 1)
  const heard = play(
    turnTo(lives(state, 3, 1), NOW),
    ...asked(3, NOW, NOW, {
      membersHash: OTHER_HASH,
      granted: false,
      refused: 'members',
      statements: [said(LOST, 9500)],
    }),
  )
  t.match(decideProof(heard.mesh, POLICY, node(LOST), NOW), { missing: 'n3: has another list of members' })
  t.end()
})
