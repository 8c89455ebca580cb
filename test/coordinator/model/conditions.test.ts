import t from 'tap'
import { carryTransitions, sayReasons, turned } from '../../../coordinator/model/conditions.ts'

const A = { type: 'A', status: 'True', reason: 'Good', message: '' } as const
const before = [{ ...A, lastTransitionTime: '2030-01-01T00:00:00.000Z' }]
const NOW = '2031-01-01T00:00:00.000Z'

t.test('the time of change moves with the status only', async t => {
  t.same(
    carryTransitions([{ ...A, reason: 'Other', message: 'x' }], before, NOW)[0]?.lastTransitionTime,
    '2030-01-01T00:00:00.000Z',
  )
  t.same(carryTransitions([{ ...A, status: 'False' }], before, NOW)[0]?.lastTransitionTime, NOW)
  t.same(carryTransitions([{ ...A, type: 'B' }], before, NOW)[0]?.lastTransitionTime, NOW)
})

t.test('what is worth an event: a status that turned, and a new condition that is not True', async t => {
  const after = (status: 'True' | 'False', type = 'A') => [{ ...A, type, status, lastTransitionTime: NOW }]
  t.same(turned(after('True'), before), [])
  t.equal(turned(after('False'), before).length, 1)
  t.same(turned(after('True', 'B'), before), [])
  t.equal(turned(after('False', 'B'), before).length, 1)
})

t.test('reasons in one message', async t => {
  const reason = (text: string) => ({ about: 'n1', reason: { code: 'X', text } })
  t.equal(sayReasons([reason('a'), reason('b')]), 'n1: a; n1: b')
  t.equal(sayReasons(['a', 'b', 'c', 'd', 'e', 'f'].map(reason)), 'n1: a; n1: b; n1: c; n1: d; and 2 more')
  t.equal(sayReasons([reason('x'.repeat(2_000))]).length, 1_024)
})
