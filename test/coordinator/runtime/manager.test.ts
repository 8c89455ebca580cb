import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { type Part, runParts } from '../../../coordinator/runtime/manager.ts'

const STOP = { withinMs: 1_000, clock: systemClock }

async function ended(signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function recorder() {
  const said: string[] = []
  const report = {
    started: (part: string) => said.push(`+${part}`),
    stopped: (part: string) => said.push(`-${part}`),
  }
  return { said, report }
}

t.test('parts start in order, each when the one before is ready, and stop in reverse', async t => {
  const { said, report } = recorder()
  const stop = new AbortController()
  const part = (name: string, readyMs: number): Part => ({
    name,
    run: async signal => {
      await ended(signal)
      said.push(`${name} ends`)
    },
    ready: async () => {
      await sleep(readyMs)
      said.push(`${name} ready`)
    },
  })
  const run = runParts([part('a', 30), part('b', 1)], report, STOP, stop.signal)
  await sleep(80)
  stop.abort()
  await run
  t.same(said, ['+a', 'a ready', '+b', 'b ready', 'b ends', '-b', 'a ends', '-a'])
})

t.test('a part that fails, or ends by itself, stops the others and is thrown', async t => {
  const { said, report } = recorder()
  const good: Part = { name: 'good', run: ended }
  const bad: Part = { name: 'bad', run: async () => Promise.reject(new Error('broken')) }
  await t.rejects(runParts([good, bad], report, STOP, new AbortController().signal), { message: 'broken' })
  t.ok(said.includes('-good'), 'the good one was stopped')
  const early: Part = { name: 'early', run: async () => undefined }
  await t.rejects(runParts([good, early], report, STOP, new AbortController().signal), {
    message: 'part early ended by itself',
  })
})

t.test('readiness that fails is a fault, readiness that never comes does not outlive the end', async t => {
  const { report } = recorder()
  const unready: Part = { name: 'u', run: ended, ready: async () => Promise.reject(new Error('never ready')) }
  await t.rejects(runParts([unready], report, STOP, new AbortController().signal), {
    message: 'never ready',
  })
  const stop = new AbortController()
  const waiting: Part = { name: 'w', run: ended, ready: ended }
  const after: Part = { name: 'after', run: async () => void t.fail('must not start') }
  const run = runParts([waiting, after], report, STOP, stop.signal)
  await sleep(20)
  stop.abort()
  await run
})

t.test('a part that does not stop is named', async t => {
  const { report } = recorder()
  const stop = new AbortController()
  const stuck: Part = { name: 'stuck', run: async () => new Promise(() => undefined) }
  const run = runParts([stuck], report, { ...STOP, withinMs: 50 }, stop.signal)
  stop.abort()
  await t.rejects(run, { code: 'DEADLINE_PASSED', fields: { part: 'stuck' } })
})
