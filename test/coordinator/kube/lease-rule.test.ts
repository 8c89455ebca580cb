import t from 'tap'
import {
  decideLease,
  holdsLease,
  type LeaseSeen,
  type LeaseView,
} from '../../../coordinator/kube/lease-rule.ts'

const POLICY = { durationMs: 15_000, holdMs: 10_000, everyMs: 3_000 }
const SEEN: LeaseSeen = {
  version: '7',
  holder: 'b',
  durationMs: 15_000,
  transitions: 4,
  acquireTime: undefined,
}
const view = (more: Partial<LeaseView>): LeaseView => ({
  me: 'a',
  seen: SEEN,
  seenAt: 1_000,
  renewedAt: undefined,
  ...more,
})

t.test('what the rule says', async t => {
  const table: [string, LeaseView, number, unknown][] = [
    ['no Lease: create it', view({ seen: undefined }), 1_000, { kind: 'create' }],
    [
      'mine: renew it, even after a long silence',
      view({ seen: { ...SEEN, holder: 'a' } }),
      99_000,
      { kind: 'renew', transitions: 4 },
    ],
    [
      'given back: take it at once',
      view({ seen: { ...SEEN, holder: '' } }),
      1_000,
      { kind: 'take', transitions: 5 },
    ],
    ['another has it: wait, and look again soon', view({}), 1_000, { kind: 'wait', untilMs: 4_000 }],
    ['almost free: wait until then', view({}), 15_000, { kind: 'wait', untilMs: 16_000 }],
    ['one ms too early', view({}), 15_999, { kind: 'wait', untilMs: 16_000 }],
    ['silent for the whole duration: take it', view({}), 16_000, { kind: 'take', transitions: 5 }],
    [
      'its holder asks for longer than we do',
      view({ seen: { ...SEEN, durationMs: 60_000 } }),
      16_000,
      { kind: 'wait', untilMs: 19_000 },
    ],
    [
      'its holder asks for less: our own duration counts',
      view({ seen: { ...SEEN, durationMs: 1_000 } }),
      5_000,
      { kind: 'wait', untilMs: 8_000 },
    ],
  ]
  for (const [name, seen, now, verdict] of table) t.same(decideLease(seen, POLICY, now), verdict, name)
})

t.test('when it is held', async t => {
  t.notOk(holdsLease(view({}), POLICY, 1_000), 'never renewed')
  t.ok(holdsLease(view({ renewedAt: 1_000 }), POLICY, 1_000), 'at the moment of sending')
  t.ok(holdsLease(view({ renewedAt: 1_000 }), POLICY, 10_999), 'just before the end')
  t.notOk(holdsLease(view({ renewedAt: 1_000 }), POLICY, 11_000), 'at the end it is over')
  t.notOk(holdsLease(view({ renewedAt: 1_000 }), POLICY, 999), 'a clock that went back proves nothing')
})
