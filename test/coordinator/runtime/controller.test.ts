import t from 'tap'
import { type Reconciler, runController } from '../../../coordinator/runtime/controller.ts'
import { createWorkQueue } from '../../../coordinator/runtime/workqueue.ts'
import { manualClock } from '../../fakes/manual-clock.ts'

function start(reconcile: Reconciler['reconcile']) {
  const clock = manualClock()
  const stop = new AbortController()
  const queue = createWorkQueue(clock, stop.signal)
  const told: string[] = []
  const report = {
    settled: (name: string, key: string) => told.push(`${name} ${key} settled`),
    failed: (name: string, key: string, attempt: number, error: unknown) =>
      told.push(`${name} ${key} failed ${attempt}: ${error instanceof Error ? error.message : error}`),
  }
  const ended = runController({ name: 'x', reconcile }, queue, report, stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  return { clock, queue, told, end }
}

t.test('failures are repeated with growing waits, a success forgets them', async t => {
  const at: number[] = []
  let fails = 3
  const { clock, queue, told, end } = start(async () => {
    at.push(clock.mono())
    if (fails-- > 0) throw new Error('no')
    return { kind: 'settled' }
  })
  queue.add('k')
  await clock.advance(10_000)
  t.same(at, [1_000, 1_250, 1_750, 2_750])
  fails = 1
  queue.add('k')
  await clock.advance(1_000)
  t.same(told.slice(-2), ['x k failed 1: no', 'x k settled'], 'counted from one again')
  await end()
})

t.test('again means later, settled means never by itself', async t => {
  const at: number[] = []
  const { clock, queue, end } = start(async () => {
    at.push(clock.mono())
    return at.length < 3 ? { kind: 'again', afterMs: 100 } : { kind: 'settled' }
  })
  queue.add('k')
  await clock.advance(5_000)
  t.same(at, [1_000, 1_100, 1_200])
  await end()
})

t.test(
  'a change while it works makes one more look, a failure of one key does not hold up another',
  async t => {
    const seen: string[] = []
    const { clock, queue, end } = start(async (key, signal) => {
      seen.push(key)
      if (key === 'bad') throw new Error('no')
      await clock.sleep(50, signal)
      return { kind: 'settled' }
    })
    queue.add('k')
    await clock.advance(10)
    queue.add('k')
    queue.add('k')
    queue.add('bad')
    queue.add('other')
    await clock.advance(200)
    t.same(seen.filter(key => key === 'k').length, 2)
    t.ok(seen.includes('other'))
    await end()
  },
)

t.test('work that is broken off by the end is not reported as a failure', async t => {
  const { clock, queue, told, end } = start(async (_key, signal) => {
    await clock.sleep(1_000, signal)
    return { kind: 'settled' }
  })
  queue.add('k')
  await clock.advance(10)
  await end()
  t.same(told, [])
})
