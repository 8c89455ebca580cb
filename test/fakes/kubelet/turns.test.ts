/** Turns do not overlap, and a failure does not hold the next one. */
import t from 'tap'
import { Turns } from './turns.ts'

t.test('one key: one at a time, in order; another key does not wait', async t => {
  const turns = new Turns()
  const said: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = turns.run('r0', async () => {
    said.push('first begins')
    await gate.promise
    said.push('first ends')
    throw new Error('failed')
  })
  const second = turns.run('r0', async () => said.push('second'))
  await turns.run('r1', async () => said.push('other'))
  t.same(said, ['first begins', 'other'])
  gate.resolve()
  await t.rejects(first)
  await second
  t.same(said, ['first begins', 'other', 'first ends', 'second'])
})
