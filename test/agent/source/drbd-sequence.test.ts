/** Order, gaps, batches and strays of the multicast sequence. */
import fc from 'fast-check'
import t from 'tap'
import { DrbdSequence, type Step } from '../../../agent/source/drbd-sequence.ts'
import type { DrbdNotice, NoticeHow } from '../../../agent/wire/drbd-notice.ts'

const INFO = {
  role: 'Secondary',
  suspended: { user: false, noData: false, fencing: false, quorum: false },
  failIo: false,
  writeOrdering: undefined,
} as const

function resource(name: string, how: NoticeHow, continues = false): DrbdNotice {
  return {
    object: 'resource',
    how,
    continues,
    resource: name,
    unknown: [],
    newName: undefined,
    info: how === 'destroy' ? undefined : INFO,
  }
}
function helper(name: string): DrbdNotice {
  return {
    object: 'helper',
    how: 'call',
    continues: false,
    resource: name,
    unknown: [],
    peerNodeId: undefined,
    volume: undefined,
    helper: 'fence-peer',
    status: 0,
  }
}
const known = ['a', 'b', 'c'].map(name => resource(name, 'exists'))

function live(): DrbdSequence {
  const sequence = new DrbdSequence()
  sequence.begin()
  sequence.dumped(known)
  return sequence
}
/** `a`, `a+b` for a batch of two, `!gap` for a loss. */
const short = (steps: readonly Step[]): string[] =>
  steps.map(step => {
    if (step.kind === 'resync') return `!${step.because}`
    const names = step.notices
      .map(notice => ('resource' in notice ? notice.resource : notice.object))
      .join('+')
    return step.kind === 'snapshot' ? `=${names}` : names
  })

t.test('in order, each at once', t => {
  const sequence = live()
  t.same(short(sequence.take(7, resource('a', 'change'), 1)), ['a'])
  t.same(short(sequence.take(8, resource('b', 'change'), 2)), ['b'])
  t.equal(sequence.wakeAt, undefined)
  t.end()
})

t.test('a batch is handed over with its last message', t => {
  const sequence = live()
  t.same(short(sequence.take(7, resource('a', 'change', true), 1)), [])
  t.same(short(sequence.take(8, helper('b'), 2)), ['b'], 'a helper in between ends nothing')
  t.same(short(sequence.take(9, resource('b', 'change'), 3)), ['a+b'])
  t.end()
})

t.test('swapped neighbours are put right', t => {
  const sequence = live()
  sequence.take(7, resource('a', 'change'), 1)
  t.same(short(sequence.take(9, resource('c', 'change'), 2)), [])
  t.type(sequence.wakeAt, 'number')
  t.same(short(sequence.take(8, resource('b', 'change'), 3)), ['b', 'c'])
  t.equal(sequence.wakeAt, undefined)
  t.end()
})

t.test('what does not come is a loss, and not before its time', t => {
  const sequence = live()
  sequence.take(7, resource('a', 'change'), 1)
  sequence.take(9, resource('c', 'change'), 10)
  const due = sequence.wakeAt ?? 0
  t.ok(due > 100 && due < 500)
  t.same(short(sequence.tick(due - 1)), [])
  t.same(short(sequence.tick(due)), ['!gap'])
  t.end()
})

t.test('a second gap waits its own time', t => {
  const sequence = live()
  sequence.take(1, resource('a', 'change'), 0)
  sequence.take(3, resource('a', 'change'), 100)
  sequence.take(5, resource('a', 'change'), 100)
  sequence.take(2, resource('a', 'change'), 200)
  t.same(short(sequence.tick(300)), [], 'number 4 is missed since 200 only')
  t.same(short(sequence.tick(350)), ['!gap'])
  t.end()
})

t.test('numbers wrap', t => {
  const sequence = live()
  t.same(short(sequence.take(0xffffffff, resource('a', 'change'), 1)), ['a'])
  t.same(short(sequence.take(0, resource('b', 'change'), 1)), ['b'])
  t.same(short(sequence.take(1, resource('c', 'change'), 1)), ['c'])
  t.end()
})

t.test('a number of the past is a loss', t => {
  const sequence = live()
  sequence.take(7, resource('a', 'change'), 1)
  t.same(short(sequence.take(5, resource('a', 'change'), 1)), ['!order'])
  t.end()
})

t.test('during a dump everything waits and follows the snapshot in order', t => {
  const sequence = new DrbdSequence()
  sequence.begin()
  t.same(short(sequence.take(4, resource('b', 'change'), 1)), [])
  t.same(short(sequence.take(3, resource('a', 'change'), 2)), [])
  t.same(short(sequence.dumped(known)), ['=a+b+c', 'a', 'b'])
  t.same(short(sequence.take(5, resource('c', 'change'), 3)), ['c'])
  t.end()
})

t.test('a hole in what waited is found', t => {
  const sequence = new DrbdSequence()
  sequence.begin()
  sequence.take(3, resource('a', 'change'), 0)
  sequence.take(5, resource('b', 'change'), 0)
  t.same(short(sequence.dumped(known)), ['=a+b+c', 'a'])
  t.same(short(sequence.tick(1_000)), ['!gap'])
  t.end()
})

t.test('a dump forgets the old sequence', t => {
  const sequence = live()
  sequence.take(7, resource('a', 'change', true), 1)
  sequence.take(9, resource('a', 'change'), 1)
  sequence.begin()
  t.equal(sequence.wakeAt, undefined)
  sequence.dumped(known)
  t.same(
    short(sequence.take(400, resource('b', 'change'), 2)),
    ['b'],
    'the half batch is gone, any number may come first',
  )
  t.end()
})

t.test('a change of something unknown is no guess', t => {
  const sequence = live()
  t.same(short(sequence.take(1, resource('x', 'change'), 0)), [])
  t.same(short(sequence.tick(199)), [])
  t.same(short(sequence.tick(200)), ['!unknown object'])
  t.test('… unless its end follows', t => {
    const other = live()
    other.take(1, resource('x', 'change'), 0)
    t.same(short(other.take(2, resource('x', 'destroy'), 10)), ['x'])
    t.equal(other.wakeAt, undefined)
    t.end()
  })
  t.test('… and a dump that does not explain it ends the matter', t => {
    sequence.begin()
    sequence.dumped(known)
    sequence.take(9, resource('x', 'change'), 0)
    t.equal(sequence.wakeAt, undefined)
    t.end()
  })
  t.end()
})

t.test('a new name is known', t => {
  const sequence = live()
  sequence.take(
    1,
    {
      object: 'resource',
      how: 'rename',
      continues: false,
      resource: 'a',
      newName: 'z',
      info: undefined,
      unknown: [],
    },
    0,
  )
  t.same(short(sequence.take(2, resource('z', 'change'), 0)), ['z'])
  t.same(short(sequence.take(3, resource('a', 'change'), 0)), [], 'the old one no more')
  t.end()
})

t.test('property: any order within a small window gives the sent order', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
      (first, lags) => {
        const sent = lags.map((lag, at) => ({ at, key: at + lag }))
        const arrival = [...sent].sort((a, b) => a.key - b.key || a.at - b.at)
        // The first to come sets the beginning, so that one is left in its place.
        const sequence = live()
        sequence.take(first, resource('a', 'change'), 0)
        const steps = arrival.flatMap(({ at }) =>
          sequence.take((first + 1 + at) >>> 0, { object: 'other', unknown: [`${at}`] }, 0),
        )
        const order = steps.flatMap(step =>
          step.kind === 'batch' ? [Number(step.notices[0]?.unknown[0])] : [NaN],
        )
        const inOrder = order.every((value, at) => value === at)
        return inOrder && order.length === sent.length && sequence.wakeAt === undefined
      },
    ),
  )
  t.pass()
  t.end()
})
