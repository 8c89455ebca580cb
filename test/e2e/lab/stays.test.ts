/** Faults after which nothing may move: a killed agent, a failed disk. */
import { checkRun, openStage, t } from '../stage.ts'

await using session = await openStage('embedded')

await t.test('the agent is killed and comes back within the watchdog time-out', async t => {
  const result = await session.play('kill-agent')
  checkRun(t, result)
  await session.recover(result)
})

await t.test('the disk of the primary fails', async t => {
  checkRun(t, await session.play('disk-error'))
})
