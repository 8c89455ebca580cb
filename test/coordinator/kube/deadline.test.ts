import { getEventListeners } from 'node:events'
import t from 'tap'
import { openDeadline } from '../../../coordinator/kube/deadline.ts'

t.test('ends with its parent, or after its time', async t => {
  const parent = new AbortController()
  using deadline = openDeadline(parent.signal, 60_000)
  t.notOk(deadline.signal.aborted)
  parent.abort(new Error('the parent'))
  t.match(deadline.signal.reason, { message: 'the parent' })
  using late = openDeadline(parent.signal, 60_000)
  t.ok(late.signal.aborted, 'a parent that has ended already')
  using short = openDeadline(new AbortController().signal, 10)
  await new Promise(resolve => setTimeout(resolve, 50))
  t.match(short.signal.reason, { name: 'TimeoutError' })
})

t.test('leaves nothing behind', async t => {
  const parent = new AbortController()
  for (let n = 0; n < 10; n++) {
    using deadline = openDeadline(parent.signal, 60_000)
    t.notOk(deadline.signal.aborted)
  }
  t.equal(getEventListeners(parent.signal, 'abort').length, 0)
})
