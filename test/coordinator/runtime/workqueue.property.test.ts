import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { createWorkQueue } from '../../../coordinator/runtime/workqueue.ts'
import { manualClock } from '../../fakes/manual-clock.ts'

const key = fc.constantFrom('a', 'b', 'c')
const command = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), key }),
  fc.record({ kind: fc.constant('later' as const), key, ms: fc.integer({ min: 0, max: 100 }) }),
  fc.record({ kind: fc.constant('done' as const), key }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60 }) }),
)

interface Seen {
  readonly given: { readonly key: string; readonly at: number }[]
  readonly twice: number
  readonly left: readonly string[]
}

/** Two workers take keys at once; keys are done when the commands say so. Ends with everything done and all time passed. */
async function play(
  commands: readonly (typeof command extends fc.Arbitrary<infer C> ? C : never)[],
): Promise<Seen> {
  const clock = manualClock()
  const stop = new AbortController()
  const queue = createWorkQueue(clock, stop.signal)
  const working = new Set<string>()
  const given: { key: string; at: number }[] = []
  /** Adds that nobody has been given yet. */
  const wanted = new Set<string>()
  let twice = 0
  const worker = async (): Promise<void> => {
    for await (const next of queue) {
      if (working.has(next)) twice += 1
      working.add(next)
      wanted.delete(next)
      given.push({ key: next, at: clock.mono() })
      // The next one is asked for while this one is still being worked on: that is what two workers do.
    }
  }
  const workers = [worker(), worker()]
  for (const next of commands) {
    if (next.kind === 'add') {
      wanted.add(next.key)
      queue.add(next.key)
    } else if (next.kind === 'later') {
      wanted.add(next.key)
      queue.addAfter(next.key, next.ms)
    } else if (next.kind === 'done') {
      if (working.delete(next.key)) queue.done(next.key)
    } else await clock.advance(next.ms)
    await turn()
  }
  for (let round = 0; round < 4; round++) {
    for (const held of [...working]) {
      working.delete(held)
      queue.done(held)
    }
    await clock.advance(200)
  }
  stop.abort()
  await Promise.all(workers)
  return { given, twice, left: [...wanted] }
}

t.test('a key is never given out while it is being worked on, and none is forgotten', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async commands => {
      const { twice, left } = await play(commands)
      return twice === 0 && left.length === 0
    }),
    { numRuns: 150 },
  )
  t.pass('150 runs')
})

t.test('a key that is added often while it waits is given out once', async t => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), async times => {
      const clock = manualClock()
      const stop = new AbortController()
      const queue = createWorkQueue(clock, stop.signal)
      for (let n = 0; n < times; n++) queue.add('a')
      const given: string[] = []
      const worker = (async () => {
        for await (const next of queue) {
          given.push(next)
          queue.done(next)
        }
      })()
      await clock.advance(10)
      stop.abort()
      await worker
      return given.length === 1
    }),
    { numRuns: 20 },
  )
  t.pass('20 runs')
})

t.test('later is not sooner, and of two times the earlier counts', async t => {
  const first = await play([
    { kind: 'later', key: 'a', ms: 80 },
    { kind: 'later', key: 'a', ms: 30 },
    { kind: 'later', key: 'a', ms: 60 },
    { kind: 'pass', ms: 29 },
  ])
  t.same(first.given, [{ key: 'a', at: 1_030 }])
  const sooner = await play([
    { kind: 'later', key: 'a', ms: 80 },
    { kind: 'pass', ms: 10 },
    { kind: 'add', key: 'a' },
  ])
  t.same(sooner.given, [{ key: 'a', at: 1_010 }], 'an add takes the place of the later time')
})
