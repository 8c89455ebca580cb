/** Faults after which the pod must go on elsewhere: power cut, isolation, a freeze that outlasts the lease. */
import { checkRun, openStage, t } from '../stage.ts'

await using session = await openStage('embedded')

await t.test('power cut', async t => {
  const result = await session.play('power')
  checkRun(t, result)
  // The figure to reach is 10 s for the median of an idle machine; a test must also pass on a busy one.
  t.ok(
    (result.report.phasesMs.podDeleted ?? Number.POSITIVE_INFINITY) < 20_000,
    'the pod is deleted within 20 s',
  )
  await session.recover(result)
})

await t.test('all networks but the control one cut', async t => {
  const result = await session.play('isolate')
  checkRun(t, result)
  await session.recover(result)
})

await t.test('frozen for longer than the lease, then thawed', async t => {
  checkRun(t, await session.play('freeze'))
})
