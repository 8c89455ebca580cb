/** The API server is away while the power is cut: proof and fencing go on, the deletes follow when it is back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { checkRun, openStage, t } from '../stage.ts'

/** Well after lease, watchdog and margin. */
const AWAY_MS = 14_000

await using session = await openStage('embedded')

await t.test('power cut without an API server', async t => {
  const { apiDown, apiUp } = session.backend
  if (apiDown === undefined || apiUp === undefined)
    throw new Error('the embedded API server can be taken away')
  let upAt = 0
  const result = await session.play('power', {
    async onFault() {
      await apiDown()
      await sleep(AWAY_MS)
      upAt = Date.now()
      await apiUp()
    },
  })
  checkRun(t, result)
  const { proven, podDeleted } = result.report.phasesMs
  t.ok(proven !== null && proven < AWAY_MS, `proven without it (${proven} ms)`)
  const upMs = upAt - result.faultAt
  t.ok(
    podDeleted !== null && podDeleted >= upMs,
    `deleted after it was back (${podDeleted} ms, back at ${upMs} ms)`,
  )
  t.ok(podDeleted !== null && podDeleted < upMs + 15_000, 'and soon')
})
