import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { openFenceDesk } from '../../../agent/effect/fence-desk.ts'
import type { FenceEvent } from '../../../agent/state/fence.ts'

function desk(waitMs: number) {
  const events: FenceEvent[] = []
  return { events, desk: openFenceDesk(systemClock, waitMs, event => events.push(event)) }
}
const { signal: never } = new AbortController()

t.test('a question waits for its own answer', async t => {
  const { events, desk: d } = desk(10_000)
  const answer = d.ask('r0', never)
  const asked = events[0]
  t.match(asked, { kind: 'fence-asked', resource: 'r0', id: /^[0-9a-f]{16}$/ })
  d.answer('0000000000000000', { exit: 7, because: 'for somebody else' })
  d.answer(asked?.kind === 'fence-asked' ? asked.id : '', { exit: 4, because: 'outdated' })
  t.same(await answer, { exit: 4, because: 'outdated' })
  t.match(events[1], { kind: 'fence-ended' })
})

t.test('without a verdict the word is "ask again", and the question is forgotten', async t => {
  const { events, desk: d } = desk(20)
  t.match(await d.ask('r0', never), { exit: 0 })
  t.match(events, [{ kind: 'fence-asked' }, { kind: 'fence-ended' }])
})

t.test('a handler that has gone is not waited for', async t => {
  const { events, desk: d } = desk(10_000)
  const gone = new AbortController()
  const answer = d.ask('r0', gone.signal)
  gone.abort()
  t.match(await answer, { exit: 0 })
  t.match(events.at(-1), { kind: 'fence-ended' })
})

t.test('what is no resource name is refused, and asks nothing', async t => {
  const { events, desk: d } = desk(10_000)
  await t.rejects(d.ask('a b', never), { code: 'ARGUMENT_INVALID' })
  t.same(events, [])
})
