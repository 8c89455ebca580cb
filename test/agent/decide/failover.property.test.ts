/** Failover: nothing without a verdict and a current copy; one survivor acts, the others stand by. */
import fc from 'fast-check'
import t from 'tap'
import { decideComeback } from '../../../agent/decide/comeback.ts'
import { gatherEvidence } from '../../../agent/decide/evidence.ts'
import { decideFailover, type FailoverVerdict, stillOver } from '../../../agent/decide/failover.ts'
import { whyFallen } from '../../../agent/decide/recheck.ts'
import { makeSurvey } from '../../../agent/decide/survey.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { SaidStatement } from '../../../agent/wire/mesh-types.ts'
import { holds } from './property.ts'
import {
  asked,
  boot,
  condemn,
  lives,
  node,
  POLICY,
  play,
  R0,
  type ResourceShape,
  resource,
  said,
  start,
  turnTo,
  withDrbd,
} from './scene.ts'

const AT = 10_000
const OWN = 1

/** n1 and n2 live, n3 was last heard long ago; n1 shares r0 with n3. */
function scene(shape: ResourceShape = {}, at = AT): NodeState {
  const state = lives(lives(turnTo(start(3), 1000), 3, 1), 2, 1)
  return withDrbd(lives(turnTo(state, at), 2, 2), [resource(shape)])
}

function verdict(state: NodeState, later = 0): FailoverVerdict {
  const now = state.mesh.turnAt + later
  const survey = makeSurvey(state, POLICY, now)
  const sight = survey.get(node(3))
  if (sight === undefined) throw new Error('n3 is not in sight')
  return decideFailover(state, survey, sight, POLICY, now)
}

/** n2 says something about n3, asked at `askedAt`. */
function says(state: NodeState, more: Partial<SaidStatement>, askedAt = state.mesh.turnAt + 1): NodeState {
  return play(state, ...asked(2, askedAt, askedAt + 1, { statements: [said(3, 0, more)] }))
}

const shapes: fc.Arbitrary<ResourceShape> = fc.record({
  disk: fc.constantFrom('UpToDate' as const, 'UpToDate' as const, 'UpToDate' as const, 'Consistent' as const),
  fencing: fc.constantFrom(
    'resource-and-stonith' as const,
    'resource-and-stonith' as const,
    'resource-only' as const,
    'unknown' as const,
  ),
  connection: fc.constantFrom('Connecting' as const, 'Connecting' as const, 'Connected' as const),
  failIo: fc.constantFrom(false, false, false, true),
  devices: fc.constantFrom(1, 2, 0),
})

holds(
  'without a verdict on disk, or without a current copy, nothing is deleted',
  fc.property(
    shapes,
    fc.constantFrom('over', 'over', 'suspected', 'told'),
    fc.constantFrom('live' as const, 'live' as const, 'resync' as const),
    (shape, life, phase) => {
      let state = withDrbd(scene(shape), [resource(shape)], { phase })
      if (life === 'over') state = condemn(state, 3)
      if (life === 'told') state = says(state, { condemned: [boot(3)] })
      const found = verdict(state, 20)
      const current =
        shape.disk === 'UpToDate' &&
        shape.fencing === 'resource-and-stonith' &&
        shape.connection !== 'Connected' &&
        shape.failIo !== true &&
        shape.devices !== 0 &&
        phase === 'live'
      return (found.kind === 'act') === (life === 'over' && current)
    },
  ),
  600,
)

t.test('the first condition that is missing is said in words', t => {
  const missing = (shape: ResourceShape, more = {}): string | undefined => {
    const { drbd, mesh } = withDrbd(scene(), [resource(shape)], more)
    return gatherEvidence(drbd, mesh.members, node(3))[0]?.missing
  }
  t.equal(missing({}), undefined)
  t.equal(missing({ disk: 'Consistent' }), 'the disk here is not UpToDate')
  t.equal(missing({ fencing: 'resource-only' }), 'its fencing policy is not resource-and-stonith')
  t.equal(missing({ connection: 'Connected' }), 'the connection is still up')
  t.equal(missing({ failIo: true }), 'its I/O is answered with errors')
  t.equal(missing({}, { familyVersion: 2 }), 'DRBD 9: not decided yet')
  t.equal(missing({}, { phase: 'resync' }), 'the state of DRBD is being read again')
  t.same(gatherEvidence(scene().drbd, scene().mesh.members, node(2)), [], 'nothing is shared with n2')
  t.end()
})

t.test('a node that is back in a new boot is let alone', t => {
  const over = condemn(scene(), 3)
  t.equal(verdict(over).kind, 'act')
  t.equal(stillOver(over, node(3), boot(3)), true)
  const back = play(over, ...asked(3, AT + 1, AT + 2, { bootId: boot(3, 2) }))
  t.equal(verdict(back).kind, 'none')
  t.equal(stillOver(back, node(3), boot(3)), false)
  t.match(whyFallen(back, POLICY, AT + 2, node(3), boot(3), [R0]), /not condemned/)
  t.end()
})

t.test('the last look sees a copy that is lost meanwhile', t => {
  const over = condemn(scene(), 3)
  t.equal(whyFallen(over, POLICY, AT, node(3), boot(3), [R0]), undefined)
  const failed = withDrbd(over, [resource({ disk: 'Failed' })])
  t.match(whyFallen(failed, POLICY, AT, node(3), boot(3), [R0]), /no current copy of r0/)
  t.end()
})

holds(
  'the copy of another survivor counts when it was named after the verdict, and while that one lives',
  fc.property(fc.integer({ min: -20, max: 20 }), fc.boolean(), (offset, alive) => {
    const over = condemn(scene({ disk: 'Outdated' }), 3)
    const state = says(over, { currentCopies: ['r0'] }, AT + offset)
    const later = alive ? lives(turnTo(state, AT + 4000), 2, 3) : turnTo(state, AT + 4000)
    const found = verdict(later)
    return (found.kind === 'act') === (offset > 0 && alive)
  }),
)

t.test('with current copies first, then by name; each waits for those before it', t => {
  const holder = condemn(scene({ disk: 'Outdated' }), 3)
  const other = says(holder, { currentCopies: ['r0'] })
  t.match(verdict(other), { kind: 'wait', until: AT + POLICY.takeoverMs, because: 'n2 is before us' })
  t.equal(verdict(lives(turnTo(other, AT + POLICY.takeoverMs - 1), 2, 3)).kind, 'wait')
  t.equal(verdict(lives(turnTo(other, AT + POLICY.takeoverMs), 2, 3)).kind, 'act')
  t.equal(verdict(condemn(scene(), 3)).kind, 'act', 'the own copy comes first')
  t.end()
})

t.test('one that acts is given longer, one that is done leaves nothing to do', t => {
  const other = says(condemn(scene({ disk: 'Outdated' }), 3), { currentCopies: ['r0'], failover: 'acting' })
  t.match(verdict(other), { kind: 'wait', until: AT + POLICY.actingMs, because: 'n2 carries it out' })
  const done = says(condemn(scene(), 3), { failover: 'done' })
  t.match(verdict(done), { kind: 'none', because: 'another survivor has carried it out' })
  const earlier = said(3, 0, { failover: 'done' }).life
  const ofOther = says(condemn(scene(), 3), {
    failover: 'done',
    life: { ...(earlier as NonNullable<typeof earlier>), bootId: boot(3, 0) },
  })
  t.equal(verdict(ofOther).kind, 'act', 'that was about another boot')
  t.end()
})

t.test('an own run: not twice at a time, tried again after a failure, looked at again later', t => {
  const over = condemn(scene(), 3)
  const began = play(over, { kind: 'failover-began', node: node(3), bootId: boot(3), at: AT })
  t.match(verdict(began), { kind: 'none', because: 'it is being carried out here' })
  const ended = (error: string | undefined) =>
    play(began, { kind: 'failover-ended', node: node(3), bootId: boot(3), at: AT, error, handled: [R0] })
  t.match(verdict(ended('no API')), { kind: 'wait', until: AT + POLICY.retryMs })
  t.equal(verdict(ended('no API'), POLICY.retryMs).kind, 'act')
  t.match(verdict(ended(undefined)), { kind: 'wait', until: AT + POLICY.recheckMs })
  t.equal(verdict(ended(undefined), POLICY.recheckMs).kind, 'act')
  const more = withDrbd(ended(undefined), [resource(), resource({ name: 'r1' })])
  t.match(verdict(more), { kind: 'act', proven: ['r0', 'r1'] })
  t.end()
})

t.test('without the API server it is left to others, and kept', t => {
  const over = play(condemn(scene(), 3), { kind: 'api-seen', reachable: false, at: AT })
  t.match(verdict(over), { kind: 'none', because: /API server/ })
  t.equal(verdict(play(over, { kind: 'api-seen', reachable: true, at: AT })).kind, 'act')
  t.end()
})

const taint = (value: string) => ({ key: 'drbd.linbit.com/lost-quorum', value, effect: 'NoSchedule' })

t.test('our taint goes when it speaks of an earlier boot and this one is in order', t => {
  const state = play(scene(), { kind: 'own-node-seen', taints: [taint(boot(OWN, 0))] })
  const held = { kind: 'held', until: AT + 1 } as const
  t.match(decideComeback(state, held), { kind: 'untaint', value: boot(OWN, 0) })
  t.match(decideComeback(state, { kind: 'none', because: '' }), { kind: 'none' })
  t.match(decideComeback(withDrbd(state, [], { phase: 'resync' }), held), { kind: 'none' })
  const same = play(state, { kind: 'own-node-seen', taints: [taint(boot(OWN))] })
  t.match(decideComeback(same, held), { kind: 'none', because: /this very boot/ })
  const foreign = play(state, { kind: 'own-node-seen', taints: [taint(''), { ...taint(boot(2)), key: 'x' }] })
  t.match(decideComeback(foreign, held), { kind: 'none', because: /no taint of ours/ })
  t.match(decideComeback(scene(), held), { kind: 'none' })
  t.end()
})
