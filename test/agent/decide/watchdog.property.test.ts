/** The watchdog: opened and fed only while the lease is held, closed only when a majority knows it. */
import fc from 'fast-check'
import t from 'tap'
import { decideReboot } from '../../../agent/decide/reboot.ts'
import { decideSuspicion } from '../../../agent/decide/suspicion.ts'
import { decideWatchdog, watchdogWord } from '../../../agent/decide/watchdog.ts'
import type { NodeEvent } from '../../../agent/state/events.ts'
import { type NodeState, reduce } from '../../../agent/state/node-state.ts'
import { FEED_SLACK_MS } from '../../../agent/state/watchdog.ts'
import { holds } from './property.ts'
import {
  ack,
  asked,
  boot,
  condemn,
  HASH,
  leaseMs,
  lives,
  node,
  nonceOf,
  OTHER_HASH,
  POLICY,
  play,
  start,
  turnTo,
  watchdogMs,
} from './scene.ts'

const NOW = 20_000
const promise = { bootId: boot(1), membersHash: HASH }
const saved: NodeEvent = { kind: 'promise-saved', promise }
const opened = (at: number): NodeEvent => ({
  kind: 'watchdog-opened',
  at,
  notAfter: at + 1,
  resetMs: watchdogMs,
})

function choose(state: NodeState, now = NOW) {
  return decideWatchdog(state.mesh, state.watchdog, POLICY, now)
}

/** n2 granted a beat sent `age` ago; none of the others did. */
function granted(age: number, ...events: readonly NodeEvent[]): NodeState {
  const state = lives(lives(turnTo(start(3), NOW - age - 10), 2, 1), 3, 1)
  return turnTo(play(turnTo(state, NOW - age), ...events, ...asked(2, NOW - age, NOW - age)), NOW)
}

const device = fc.constantFrom<readonly NodeEvent[]>(
  [],
  [saved],
  [saved, opened(NOW - 5000)],
  [saved, opened(NOW - 5000), { kind: 'stop-asked' }],
)

holds(
  'the device is opened or fed only while the lease is held, and never after its end',
  fc.property(fc.integer({ min: leaseMs - 40, max: leaseMs + 40 }), device, (age, events) => {
    const { effects } = choose(granted(age, ...events))
    const touching = effects.filter(({ kind }) => kind === 'feed' || kind === 'open-watchdog')
    return touching.every(
      effect => age < leaseMs && 'notAfter' in effect && effect.notAfter === NOW - age + leaseMs,
    )
  }),
)

holds(
  'it is disarmed only when so many know it that no set that could prove our death is without one of them',
  fc.property(
    fc
      .integer({ min: 3, max: 7 })
      .chain(count =>
        fc.tuple(fc.constant(count), fc.array(fc.boolean(), { minLength: count - 1, maxLength: count - 1 })),
      ),
    ([count, knows]) => {
      let state = play(turnTo(start(count), NOW), saved, opened(NOW), { kind: 'stop-asked' })
      for (const [index, known] of knows.entries()) {
        state = lives(state, index + 2, 1)
        state = play(
          state,
          {
            kind: 'beat-sent',
            to: node(index + 2),
            nonce: nonceOf(index),
            watchdog: known ? 'off' : 'armed',
            at: NOW,
          },
          { kind: 'ack-heard', ack: ack(index + 2, nonceOf(index)), at: NOW },
        )
      }
      const disarms = choose(state).effects.some(({ kind }) => kind === 'disarm')
      // The largest set that knows nothing must be too small to be those who vouch beside one that knows nothing either.
      const ignorant = knows.filter(known => !known).length
      return disarms === ignorant < count - Math.floor(count / 2)
    },
  ),
)

t.test('the promise is on disk before the device is opened, and binds this boot to its list', t => {
  const state = granted(10)
  t.match(choose(state), { verdict: 'promise', effects: [{ kind: 'save-promise', promise }] })
  t.match(choose(play(state, saved)), {
    verdict: 'open',
    effects: [{ kind: 'open-watchdog', timeoutMs: watchdogMs }],
  })
  const bound: NodeEvent = { kind: 'promise-saved', promise: { ...promise, membersHash: OTHER_HASH } }
  t.match(choose(play(state, bound)), { verdict: 'leave alone', effects: [] })
  const earlier: NodeEvent = {
    kind: 'promise-saved',
    promise: { bootId: boot(1, 0), membersHash: OTHER_HASH },
  }
  t.match(choose(play(state, earlier)), { verdict: 'promise' }, 'of an earlier boot')
  t.end()
})

t.test('another list of members waits while the watchdog is bound to this one', t => {
  const other = { list: [{ node: node(1), addresses: [] }], hash: OTHER_HASH }
  const bound = reduce(play(granted(10), saved), { kind: 'members-set', members: other })
  t.equal(bound.mesh.members?.hash, HASH)
  t.equal(bound.mesh.heldBack, OTHER_HASH)
  const free = reduce(granted(10), { kind: 'members-set', members: other })
  t.equal(free.mesh.members?.hash, OTHER_HASH)
  t.end()
})

t.test('feeds are spread, and starve without a lease', t => {
  const open = granted(10, saved, opened(NOW - 400))
  t.same(choose(open).effects, [])
  t.match(choose(open, NOW + 100).effects, [{ kind: 'feed' }])
  t.match(choose(granted(leaseMs + 1, saved, opened(NOW - 400)), NOW + 200), {
    verdict: 'starve',
    effects: [],
  })
  t.end()
})

t.test('what is not there, or broken, or not to be used, is left alone', t => {
  const none = granted(10)
  t.match(choose({ ...none, watchdog: { ...none.watchdog, device: 'none' } }), {
    verdict: 'leave alone',
    effects: [],
  })
  t.match(choose(play(none, saved, { kind: 'watchdog-failed', reason: 'EIO' })), {
    because: 'EIO',
    effects: [],
  })
  const two = play(turnTo(start(2), NOW), ...asked(2, NOW, NOW))
  t.match(choose(two), { verdict: 'leave alone', because: 'fewer than three members' })
  t.end()
})

t.test('a stop: off is said first, then disarmed, then forgotten', t => {
  const stopping = play(granted(10, saved, opened(NOW - 600)), { kind: 'stop-asked' })
  t.equal(watchdogWord(stopping.watchdog), 'off')
  t.match(choose(stopping), { verdict: 'feed' }, 'until they know')
  const disarmed = play(stopping, { kind: 'watchdog-disarmed' })
  t.match(choose(disarmed), { verdict: 'stopped', effects: [{ kind: 'clear-promise' }] })
  t.match(choose(play(disarmed, { kind: 'promise-cleared' })), { verdict: 'stopped', effects: [] })
  const never = play(granted(10, saved), { kind: 'stop-asked' })
  t.match(
    choose(never),
    { verdict: 'stopped', effects: [] },
    'an earlier process may have it open: the promise stays',
  )
  t.end()
})

t.test('the words: starting, armed, off', t => {
  const words = [
    [],
    [saved, opened(NOW)],
    [{ kind: 'watchdog-failed', reason: '' }],
    [{ kind: 'stop-asked' }],
  ] as const
  t.same(
    words.map(events => watchdogWord(play(start(3), ...events).watchdog)),
    ['starting', 'armed', 'off', 'off'],
  )
  t.end()
})

t.test('the bound that is announced is the larger one until the device is open', t => {
  t.equal(start(3).watchdog.resetMs, 2 * watchdogMs)
  t.equal(play(start(3), opened(NOW)).watchdog.resetMs, watchdogMs)
  t.end()
})

t.test('a node resets itself when a feed came too late, or when a member holds its boot for over', t => {
  const state = granted(10, saved)
  const late = (ms: number) => play(state, { kind: 'watchdog-fed', at: NOW + ms, notAfter: NOW })
  t.equal(decideReboot(late(FEED_SLACK_MS)), undefined)
  t.match(decideReboot(late(FEED_SLACK_MS + 1)), /after the lease/)
  const opening: NodeEvent = { kind: 'watchdog-opened', at: NOW + 200, notAfter: NOW, resetMs: 1 }
  t.match(decideReboot(play(state, opening)), /after the lease/)
  t.match(
    decideReboot(play(state, ...asked(3, NOW, NOW, { granted: false, refused: 'condemned' }))),
    /n3 holds/,
  )
  t.equal(decideReboot(condemn(state, 3)), undefined)
  t.end()
})

holds(
  'suspicion comes within a second of the last message, never of who was never seen, and of nobody while the own loop is late',
  fc.property(
    fc.integer({ min: 700, max: 1200 }),
    fc.boolean(),
    fc.option(fc.integer({ min: 0, max: 1000 })),
    (silence, seen, lateAgo) => {
      const first = turnTo(start(3), NOW - silence)
      let state = seen ? lives(first, 2, 1) : first
      if (lateAgo !== null && lateAgo < silence)
        state = { ...state, mesh: { ...state.mesh, lateAt: NOW - lateAgo } }
      const peer = state.mesh.peers.get(node(2))
      if (peer === undefined) return false
      const verdict = decideSuspicion(state.mesh, peer, POLICY, NOW).kind
      if (!seen) return verdict === 'never-seen'
      const quiet = lateAgo === null ? silence : Math.min(silence, lateAgo)
      return verdict === (quiet > POLICY.lease.suspectMs ? 'suspected' : 'alive')
    },
  ),
)

t.test('suspicion takes at most a second by default', t => {
  t.ok(POLICY.lease.suspectMs + POLICY.lease.beatMs / 2 < 1000)
  t.end()
})
