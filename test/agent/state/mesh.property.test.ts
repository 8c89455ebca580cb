/** The mesh slice: what is believed of a beat or an acknowledgement, and that order and repetition change nothing. */
import fc from 'fast-check'
import t from 'tap'
import type { NodeEvent } from '../../../agent/state/events.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { WatchdogWord } from '../../../agent/wire/mesh-types.ts'
import { holds } from '../decide/property.ts'
import {
  ack,
  address,
  asked,
  beat,
  boot,
  HASH,
  lives,
  node,
  nonceOf,
  OTHER_HASH,
  play,
  said,
  start,
  turnTo,
} from '../decide/scene.ts'

/** Beats and acknowledgements of n2 and n3 as they really follow each other: the watchdog is opened, and at the end put off. */
const traffic = fc
  .record({
    armAt: fc.integer({ min: 0, max: 6 }),
    offAt: fc.integer({ min: 3, max: 12 }),
    grants: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    quiet: fc.array(fc.nat({ max: 5000 }), { minLength: 8, maxLength: 8 }),
  })
  .map(({ armAt, offAt, grants, quiet }): NodeEvent[] => {
    const word = (seq: number): WatchdogWord => (seq >= offAt ? 'off' : seq >= armAt ? 'armed' : 'starting')
    const beats = Array.from(
      { length: 8 },
      (_, seq): NodeEvent => ({
        kind: 'beat-heard',
        beat: beat(2, seq, { watchdog: word(seq) }),
        via: address(2),
        at: 1000,
      }),
    )
    const acks = grants.map(
      (granted, index): NodeEvent => ({
        kind: 'ack-heard',
        ack: ack(3, nonceOf(index), {
          granted,
          ...(granted ? {} : { refused: 'members' }),
          statements: [said(2, quiet[index] ?? 0)],
        }),
        at: 1000,
      }),
    )
    return [...beats, ...acks]
  })

function ready(): NodeState {
  const sent = Array.from(
    { length: 8 },
    (_, index): NodeEvent => ({
      kind: 'beat-sent',
      to: node(3),
      nonce: nonceOf(index),
      watchdog: 'armed',
      at: 900 + index,
    }),
  )
  return play(turnTo(start(3), 1000), ...sent)
}

/** What is believed, without the answers, which follow the order of the questions. */
function beliefs(state: NodeState): unknown {
  return [...state.mesh.peers.values()].map(({ owed: _, ...peer }) => peer)
}

holds(
  'the order of messages and their repetition do not matter',
  fc.property(
    traffic.chain(events =>
      fc.record({
        events: fc.constant(events),
        shuffled: fc.array(fc.nat({ max: events.length - 1 }), { maxLength: 8 }).chain(again =>
          fc.shuffledSubarray([...events, ...again.map(index => events[index] as NodeEvent)], {
            minLength: events.length + again.length,
          }),
        ),
      }),
    ),
    ({ events, shuffled }) => {
      const left = beliefs(play(ready(), ...events))
      const right = beliefs(play(ready(), ...shuffled))
      return JSON.stringify(left, replacer) === JSON.stringify(right, replacer)
    },
  ),
  100,
)

function replacer(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value].sort(([left], [right]) => (left < right ? -1 : 1)) : value
}

holds(
  'a new boot is believed only in an answer to a question that came after the old one was heard of',
  fc.property(fc.integer({ min: -50, max: 50 }), fc.boolean(), (offset, byBeat) => {
    const known = lives(turnTo(start(3), 10_000), 2, 1)
    const at = 10_000 + 60
    const news: readonly NodeEvent[] = byBeat
      ? [{ kind: 'beat-heard', beat: beat(2, 1, { bootId: boot(2, 2) }), via: address(2), at }]
      : asked(2, 10_000 + offset, at, { bootId: boot(2, 2) })
    const peer = play(known, ...news).mesh.peers.get(node(2))
    const believed = peer?.life?.bootId === boot(2, 2)
    return believed === (!byBeat && offset > 0) && believed === (peer?.condemned.has(boot(2)) ?? false)
  }),
)

t.test('an answer that nobody asked for, to another, or a second time says nothing', t => {
  const known = lives(turnTo(start(3), 1000), 2, 1)
  const other = (events: readonly NodeEvent[]): string | undefined =>
    play(known, ...events).mesh.peers.get(node(2))?.life?.bootId
  const question: NodeEvent = {
    kind: 'beat-sent',
    to: node(3),
    nonce: nonceOf(7),
    watchdog: 'armed',
    at: 1001,
  }
  const answer: NodeEvent = { kind: 'ack-heard', ack: ack(2, nonceOf(7), { bootId: boot(2, 2) }), at: 1002 }
  t.equal(other([answer]), boot(2))
  t.equal(other([question, answer]), boot(2), 'the question went to n3')
  const mine: NodeEvent = { ...question, to: node(2) }
  t.equal(other([mine, answer]), boot(2, 2))
  const again: NodeEvent = { kind: 'ack-heard', ack: ack(2, nonceOf(7), { bootId: boot(2, 3) }), at: 1003 }
  t.equal(other([mine, answer, again]), boot(2, 2))
  t.end()
})

t.test('what is not on disk is not acknowledged; when it is, the last beat is', t => {
  let state = play(turnTo(start(3), 1000), { kind: 'beat-heard', beat: beat(2, 1), via: 'v', at: 1000 })
  t.same(state.mesh.answers, [])
  const life = state.mesh.peers.get(node(2))?.life
  state = play(state, { kind: 'turn', at: 1010 }, { kind: 'life-saved', node: node(2), life: life as never })
  t.match(state.mesh.answers, [
    { to: node(2), via: 'v', nonce: beat(2, 1).nonce, refused: undefined, recorded: true },
  ])
  t.equal(state.mesh.peers.get(node(2))?.quietFrom, 1010, 'the grant is noted at the time of the answer')
  state = play(
    state,
    { kind: 'turn', at: 1200 },
    { kind: 'beat-heard', beat: beat(2, 2), via: 'v', at: 1199 },
  )
  t.equal(state.mesh.answers.length, 1, 'an unchanged life is acknowledged at once')
  state = play(
    state,
    { kind: 'turn', at: 1400 },
    { kind: 'beat-heard', beat: beat(2, 3, { watchdog: 'off' }), via: 'v', at: 1400 },
  )
  t.same(state.mesh.answers, [], 'a changed one is not')
  t.end()
})

t.test('every grant restarts the silence, a refusal does not', t => {
  const state = lives(turnTo(start(3), 1000), 2, 1)
  const later = turnTo(state, 3000)
  const granted = play(later, { kind: 'beat-heard', beat: beat(2, 2), via: 'v', at: 2999 })
  t.equal(granted.mesh.peers.get(node(2))?.quietFrom, 3000)
  const stranger = lives(later, 2, 2, { membersHash: OTHER_HASH })
  t.match(stranger.mesh.answers, [{ refused: 'members' }])
  const again = play(turnTo(stranger, 4000), {
    kind: 'beat-heard',
    beat: beat(2, 3, { membersHash: OTHER_HASH }),
    via: 'v',
    at: 4000,
  })
  t.equal(again.mesh.peers.get(node(2))?.quietFrom, 3000, 'the change of its members was the last news')
  t.end()
})

t.test('news about a life restart the silence', t => {
  let state = lives(turnTo(start(3), 1000), 2, 1, { membersHash: OTHER_HASH })
  state = play(turnTo(state, 5000), {
    kind: 'beat-heard',
    beat: beat(2, 2, { membersHash: OTHER_HASH, watchdog: 'off' }),
    via: 'v',
    at: 5000,
  })
  t.equal(state.mesh.peers.get(node(2))?.quietFrom, 5000)
  t.end()
})

t.test('a condemned boot is refused, and is not heard', t => {
  const known = lives(turnTo(start(3), 1000), 2, 1)
  const over = play(known, { kind: 'condemned', node: node(2), bootId: boot(2), by: 'lease', at: 1000 })
  const state = play(turnTo(over, 1500), { kind: 'beat-heard', beat: beat(2, 9), via: 'v', at: 1500 })
  t.match(state.mesh.answers, [{ refused: 'condemned', recorded: false }])
  t.equal(state.mesh.peers.get(node(2))?.heardAt, 1000)
  const answered = play(state, ...asked(2, 1501, 1502))
  t.equal(answered.mesh.peers.get(node(2))?.leaseFrom, undefined, 'nor does its grant count')
  t.end()
})

t.test('a verdict of another member is taken over, and one on this very boot is noted', t => {
  const known = lives(lives(turnTo(start(3), 1000), 2, 1), 3, 1)
  const told = play(known, ...asked(2, 1001, 1002, { statements: [said(3, 0, { condemned: [boot(3)] })] }))
  t.match(told.mesh.peers.get(node(3))?.condemned.get(boot(3)), { by: 'told', saved: false })
  t.equal(told.mesh.peers.get(node(2))?.refusesUs, false)
  const us = play(known, ...asked(2, 1001, 1002, { statements: [said(1, 0, { condemned: [boot(1)] })] }))
  t.equal(us.mesh.peers.get(node(2))?.refusesUs, true)
  const refused = play(known, ...asked(2, 1001, 1002, { granted: false, refused: 'condemned' }))
  t.equal(refused.mesh.peers.get(node(2))?.refusesUs, true)
  t.end()
})

t.test(
  'a process that has not opened its watchdog keeps what an earlier one announced, unless that was bound elsewhere',
  t => {
    const armed = lives(turnTo(start(3), 1000), 2, 5)
    const next = (more: Parameters<typeof beat>[2]) =>
      lives(armed, 2, 1, { incarnation: 2, watchdog: 'starting', ...more }).mesh.peers.get(node(2))?.life
    t.match(next({ resetMs: 10_000 }), { armed: true, resetMs: 10_000 })
    t.match(next({ resetMs: 1000 }), { armed: true, resetMs: 5000 }, 'the larger bound')
    t.match(next({ membersHash: OTHER_HASH }), { armed: false })
    t.match(next({ watchdog: 'off' }), { armed: false })
    t.match(lives(armed, 2, 4, { watchdog: 'off' }).mesh.peers.get(node(2))?.life, { armed: true }, 'older')
    t.end()
  },
)

t.test('what was on disk is known again, and counts as heard of before our start', t => {
  const life = { bootId: boot(2), incarnation: 1, seq: 4, armed: true, resetMs: 5000, membersHash: HASH }
  const saved = { node: node(2), life, condemned: [{ bootId: boot(2, 0), by: 'told' as const }] }
  const state = turnTo(play(start(3, 500), { kind: 'peers-loaded', peers: [saved] }), 1000)
  const peer = state.mesh.peers.get(node(2))
  t.match(peer, { life, saved: life, quietFrom: 500, heardAt: undefined })
  t.match(peer?.condemned.get(boot(2, 0)), { saved: true, by: 'told' })
  const reborn = play(state, ...asked(2, 900, 1000, { bootId: boot(2, 2) }))
  t.match(reborn.mesh.peers.get(node(2))?.condemned.get(boot(2)), { by: 'new-boot', saved: false })
  t.end()
})

t.test('our watchdog counts as known to be off only by those who recorded a beat that said so', t => {
  const state = lives(turnTo(start(3), 1000), 2, 1)
  const told = (watchdog: WatchdogWord, recorded: boolean): boolean | undefined =>
    play(
      state,
      { kind: 'beat-sent', to: node(2), nonce: nonceOf(9), watchdog, at: 1001 },
      { kind: 'ack-heard', ack: ack(2, nonceOf(9), { recorded }), at: 1002 },
    ).mesh.peers.get(node(2))?.recordsOff
  t.same([told('off', true), told('off', false), told('armed', true)], [true, false, false])
  t.end()
})

t.test('copies: a cut list adds, a whole one replaces, an older one changes nothing', t => {
  const state = lives(turnTo(start(3), 1000), 2, 1)
  const copies = (...lists: readonly [at: number, names: string[], cut: boolean][]) =>
    [
      ...(play(
        state,
        ...lists.flatMap(([at, currentCopies, copiesCut]) =>
          asked(2, at, 1100, { statements: [said(3, 0, { currentCopies, copiesCut })] }),
        ),
      )
        .mesh.peers.get(node(2))
        ?.copies.get(node(3))
        ?.keys() ?? []),
    ].sort()
  t.same(copies([1001, ['a'], true], [1002, ['b'], true]), ['a', 'b'])
  t.same(copies([1001, ['a'], true], [1002, ['b'], false]), ['b'])
  t.same(copies([1002, ['a'], false], [1001, ['b'], false]), ['a'])
  t.end()
})
