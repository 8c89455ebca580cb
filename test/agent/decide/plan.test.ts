/** The plan of a turn: everything that follows, in order, once, and when to look again. */
import t from 'tap'
import { type Effect, identityOf, withoutRepeats } from '../../../agent/decide/effects.ts'
import { makePlan, type Plan } from '../../../agent/decide/plan.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import {
  asked,
  beat,
  boot,
  condemn,
  HASH,
  lives,
  node,
  nonceOf,
  POLICY,
  play,
  R0,
  resource,
  SILENCE,
  said,
  start,
  turnTo,
  withDrbd,
} from './scene.ts'

function planOf(state: NodeState): Plan {
  return makePlan(state, POLICY, state.mesh.turnAt)
}

const kinds = ({ effects }: Plan): readonly string[] => effects.map(({ kind }) => kind)

t.test('the first turn: beats to all others, and the promise', t => {
  const plan = planOf(turnTo(start(3), 100))
  t.same(kinds(plan), ['save-promise', 'send-beat', 'send-beat'])
  t.match(plan.effects[1], {
    to: node(2),
    address: '10.0.0.2',
    beat: { from: node(1), bootId: boot(1), watchdog: 'starting', membersHash: HASH },
  })
  t.equal(plan.wakeAt <= 100 + POLICY.lease.beatMs, true)
  t.equal(plan.mayStop, false)
  t.end()
})

t.test('before the members are known there is nothing to do', t => {
  const { mesh, ...rest } = start(3)
  const plan = planOf({ ...rest, mesh: { ...mesh, members: undefined, peers: new Map() } })
  t.same(plan.effects, [])
  t.ok(plan.wakeAt <= POLICY.lease.beatMs)
  t.end()
})

t.test('beats are not repeated before their time', t => {
  const sent = (to: number, at: number) =>
    ({ kind: 'beat-sent', to: node(to), nonce: nonceOf(to), watchdog: 'starting', at }) as const
  const state = play(turnTo(start(3), 1000), sent(2, 800), sent(3, 700))
  t.same(
    planOf(state).effects.flatMap(effect => (effect.kind === 'send-beat' ? [effect.to] : [])),
    [node(3)],
  )
  t.end()
})

t.test('what is not on disk is written before anything else', t => {
  const state = play(turnTo(start(3), 100), { kind: 'beat-heard', beat: beat(2, 1), via: 'v', at: 100 })
  t.match(planOf(state).effects[0], { kind: 'save-life', node: node(2), life: { bootId: boot(2), seq: 1 } })
  const reborn = play(lives(turnTo(start(3), 100), 2, 1), ...asked(2, 101, 102, { bootId: boot(2, 2) }))
  t.match(planOf(reborn).effects.slice(0, 2), [
    { kind: 'condemn', node: node(2), bootId: boot(2), by: 'new-boot' },
    { kind: 'save-life', life: { bootId: boot(2, 2) } },
  ])
  t.end()
})

t.test('refused as condemned: a reboot and nothing else', t => {
  const state = play(
    lives(turnTo(start(3), 100), 2, 1),
    ...asked(2, 100, 101, { granted: false, refused: 'condemned' }),
  )
  t.match(planOf(state).effects, [{ kind: 'reboot', because: 'n2 holds this boot for over' }])
  t.equal(planOf(state).effects.length, 1)
  t.end()
})

/** n3 shares r0 with us and has gone silent at 1000; n2 says so too. */
function silence(now: number): NodeState {
  let state = lives(lives(turnTo(start(3), 1000), 2, 1), 3, 1)
  state = withDrbd(lives(turnTo(state, now), 2, 2), [resource()])
  return play(state, ...asked(2, now, now, { statements: [said(3, now - 1000)] }))
}

t.test('silence: condemned when the proof stands, the failover when that is on disk', t => {
  const early = planOf(silence(1000 + SILENCE - 10))
  t.notOk(kinds(early).includes('condemn'))
  t.match(
    early.decisions.find(({ topic }) => topic === 'proof'),
    { subject: node(3), verdict: 'unproven', because: 'it was granted a lease too recently' },
  )
  const due = silence(1000 + SILENCE)
  t.match(
    planOf(due).effects.find(({ kind }) => kind === 'condemn'),
    { node: node(3), bootId: boot(3), by: 'lease' },
  )
  t.notOk(kinds(planOf(due)).includes('failover'))
  const over = planOf(condemn(due, 3))
  t.match(
    over.effects.find(({ kind }) => kind === 'failover'),
    { node: node(3), bootId: boot(3), proven: [R0] },
  )
  t.notOk(kinds(over).includes('condemn'))
  t.end()
})

t.test('the plan looks again when the proof may stand', t => {
  const state = silence(1000 + SILENCE - 10)
  const peers = [2, 3].map(
    to =>
      ({
        kind: 'beat-sent',
        to: node(to),
        nonce: nonceOf(to),
        watchdog: 'armed',
        at: state.mesh.turnAt,
      }) as const,
  )
  t.ok(planOf(play(state, ...peers)).wakeAt <= 1000 + SILENCE)
  t.end()
})

t.test('fence-peer: the other agent is asked until it answers, then the handler is', t => {
  const state = play(silence(2000), { kind: 'fence-asked', id: nonceOf(1), resource: R0, at: 2000 })
  t.match(
    planOf(state).effects.find(({ kind }) => kind === 'send-outdate'),
    { address: '10.0.0.3', request: { id: nonceOf(1), resource: R0, from: node(1) } },
  )
  const sent = play(state, { kind: 'outdate-sent', id: nonceOf(1), at: 2000 })
  t.notOk(kinds(planOf(sent)).includes('send-outdate'))
  t.ok(kinds(planOf(turnTo(sent, 2000 + POLICY.outdateEveryMs))).includes('send-outdate'))
  const reply = {
    kind: 'outdated',
    from: node(3),
    bootId: boot(3),
    id: nonceOf(1),
    resource: R0,
    result: 'outdated',
    detail: '',
  } as const
  t.match(
    planOf(play(sent, { kind: 'outdate-reply-heard', reply })).effects.find(
      ({ kind }) => kind === 'answer-fence',
    ),
    { id: nonceOf(1), exit: 4 },
  )
  t.end()
})

t.test('an outdate request is answered in its turn only', t => {
  const request = { kind: 'outdate', from: node(3), bootId: boot(3), id: nonceOf(1), resource: R0 } as const
  const state = play(silence(2000), { kind: 'outdate-asked', request, via: '10.0.0.3' })
  t.match(
    planOf(state).effects.find(({ kind }) => kind === 'outdate-own'),
    { via: '10.0.0.3', resource: R0 },
  )
  t.notOk(kinds(planOf(turnTo(state, 2001))).includes('outdate-own'))
  const absent = planOf(withDrbd(state, []))
  t.match(
    absent.effects.find(({ kind }) => kind === 'send-outdate-reply'),
    { reply: { result: 'absent', id: nonceOf(1) } },
  )
  t.end()
})

t.test('a clean stop may end when nothing is left to write', t => {
  const stopping = play(turnTo(start(3), 100), { kind: 'stop-asked' })
  t.equal(planOf(stopping).mayStop, true)
  const open = play(
    turnTo(start(3), 100),
    { kind: 'promise-saved', promise: { bootId: boot(1), membersHash: HASH } },
    { kind: 'watchdog-opened', at: 100, notAfter: 200, resetMs: 5000 },
    { kind: 'stop-asked' },
  )
  t.equal(planOf(open).mayStop, false)
  const disarmed = play(open, { kind: 'watchdog-disarmed' })
  t.equal(planOf(disarmed).mayStop, false, 'the promise is still on disk')
  t.equal(planOf(play(disarmed, { kind: 'promise-cleared' })).mayStop, true)
  t.end()
})

t.test('effects with one identity appear once; an identity begins with its kind', t => {
  const feed: Effect = { kind: 'feed', notAfter: 1 }
  t.same(withoutRepeats([feed, { kind: 'disarm' }, { ...feed, notAfter: 2 }]), [feed, { kind: 'disarm' }])
  const every: readonly Effect[] = [
    ...planOf(turnTo(start(3), 100)).effects,
    ...planOf(condemn(silence(1000 + SILENCE), 3)).effects,
    { kind: 'reboot', because: '' },
    feed,
    { kind: 'open-watchdog', timeoutMs: 1, notAfter: 1 },
    { kind: 'clear-promise' },
    { kind: 'untaint', value: '' },
    { kind: 'answer-fence', id: '', exit: 1, because: '' },
  ]
  t.equal(every.filter(effect => identityOf(effect).startsWith(effect.kind)).length, every.length)
  t.end()
})

t.test('decisions are noted when they change, and only then', t => {
  const state = silence(1500)
  const noted = (from: NodeState, at: number) =>
    play(from, { kind: 'decided', at, decisions: planOf(from).decisions })
  const first = noted(state, 1500)
  t.ok(first.decisions.last.length > 3)
  t.equal(noted(first, 1600).decisions, first.decisions)
  const later = noted(turnTo(first, 2200), 2200)
  t.match(later.decisions.last.slice(first.decisions.last.length), [
    { topic: 'suspicion', subject: node(3), at: 2200 },
  ])
  t.end()
})

t.test('nothing that is overdue makes the loop turn without news', t => {
  const starving = play(
    silence(1000 + SILENCE + 500),
    { kind: 'promise-saved', promise: { bootId: boot(1), membersHash: HASH } },
    { kind: 'watchdog-opened', at: 1000, notAfter: 2000, resetMs: 5000 },
  )
  // n2 has said nothing new: the earliest time of the proof has passed, and still there is none.
  const stale = turnTo(silence(1000 + SILENCE - 10), 1000 + SILENCE + 20)
  t.match(
    planOf(stale).decisions.find(({ topic }) => topic === 'proof'),
    { verdict: 'unproven' },
  )
  for (const state of [starving, stale])
    t.ok(planOf(state).wakeAt >= state.mesh.turnAt + 5, `${planOf(state).wakeAt}`)
  t.end()
})

t.test('the next beat is sent in its time', t => {
  const sent = [2, 3].map(
    to => ({ kind: 'beat-sent', to: node(to), nonce: nonceOf(to), watchdog: 'off', at: 900 + to }) as const,
  )
  t.equal(planOf(play(turnTo(start(3), 1000), ...sent)).wakeAt, 902 + POLICY.lease.beatMs)
  t.end()
})
