/** The main job on real Kubernetes: the power of the writer's node is cut, its networks are cut; the pod writes on elsewhere. */
import { checkRun, openStage, t } from '../stage.ts'

await using session = await openStage('real')

await t.test('power cut', async t => {
  const result = await session.play('power')
  checkRun(t, result)
  await session.recover(result)
})

await t.test('all networks but the control one cut', async t => {
  checkRun(t, await session.play('isolate'))
})
