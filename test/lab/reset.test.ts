/** A guest that resets itself is noticed and booted again: unfed watchdog, sysrq-b, orderly reboot, panic. */
import { once } from 'node:events'
import { openLab } from './lab.ts'
import type { LabNode } from './layout.ts'
import type { ResetEvent } from './options.ts'
import { drbdLine } from './storage.ts'
import { t, testSignal } from './tap-inside.ts'

const told: ResetEvent[] = []
await using lab = await openLab({ nodes: 2, onReset: event => told.push(event) }, testSignal)
const r0 = { resource: 'r0', nodes: ['n1', 'n2'] } as const
await lab.setupResource(r0)

/** Lets the guest reset itself, waits for its next boot, and gives reason and time until the lab noticed. */
async function resetBy(
  node: LabNode,
  cause: () => Promise<unknown>,
): Promise<{ why: string; afterMs: number }> {
  const before = lab.guests.bootId(node)
  const reset = once(lab.events, 'reset') as Promise<[ResetEvent]>
  const begin = performance.now()
  await cause()
  const [event] = await reset
  await lab.nextBoot(node, before)
  return { why: event.why, afterMs: event.atMs - begin }
}

await t.test('softdog that nobody feeds', async t => {
  const { why, afterMs } = await resetBy('n1', () => lab.starveWatchdog('n1', 3))
  t.equal(why, 'watchdog')
  t.ok(afterMs >= 2_000 && afterMs < 10_000, `${Math.round(afterMs)} ms`)
})

await t.test('its volumes come up again, and the network works: no tap was lost', async t => {
  await lab.bringUpAgain('n1')
  await lab.until('n1', drbdLine(r0), /cs:Connected .*ds:UpToDate\/UpToDate/)
  await lab.bringUpAgain('n1')
  t.pass('a second time, too')
})

await t.test('softdog that is fed, and closed in order, lets the guest live', async t => {
  const before = lab.guests.bootId('n1')
  await lab.sh(
    'n1',
    'modprobe softdog soft_margin=2 nowayout=0; exec 3>/dev/watchdog1; for i in 1 2 3 4 5 6; do echo . >&3; sleep 0.6; done; echo V >&3; exec 3>&-; sleep 2.5',
    {
      deadlineMs: 30_000,
    },
  )
  t.equal(lab.guests.bootId('n1'), before)
})

await t.test('sysrq-b', async t => {
  const { why } = await resetBy('n2', () => lab.reset('n2'))
  t.equal(why, 'sysrq')
})

await t.test('an orderly reboot and a panic', async t => {
  t.match(await resetBy('n1', () => lab.sh('n1', '(sleep 0.2; reboot -f) >/dev/null 2>&1 &')), {
    why: 'reboot',
  })
  t.match(
    await resetBy('n2', () => lab.sh('n2', '(sleep 0.2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &')),
    { why: /^panic/ },
  )
})

await t.test('the owner of the lab was told of each, in order', async t => {
  t.strictSame(
    told.map(({ node }) => node),
    ['n1', 'n2', 'n1', 'n2'],
  )
})

await t.test('a guest that does not come up leaves one line and its console', async t => {
  const complaint = { code: 'LAB_FAILED', fields: { node: 'n2', console: String, log: /n2\/console\.log$/ } }
  await lab.powerCut('n2')
  const booting = lab.boot(['n2'])
  setTimeout(() => void lab.powerCut('n2'), 500)
  await t.rejects(booting, { ...complaint, message: 'a guest ended while it booted' })
  const broken = lab.boot(['n2'], { settings: { lab_nodejs_dir: '/none' } })
  await t.rejects(broken, {
    ...complaint,
    message: 'a guest ended while it booted',
    fields: { console: /no Node/ },
  })
  const mute = lab.boot(['n2'], { settings: { lab_node: 'n9' }, deadlineMs: 6_000 })
  await t.rejects(mute, { ...complaint, message: 'a guest did not answer in time' })
  t.notOk(lab.guests.isRunning('n2'))
})
