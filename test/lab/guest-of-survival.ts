/** Started by survival.test.ts: keeps a lab open until it is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { enterLab } from './inside.ts'
import { openLab } from './lab.ts'

await enterLab()
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => stop.abort())
{
  await using lab = await openLab({ nodes: 1, disks: 1 }, stop.signal)
  console.log(`lab is up: ${lab.nodes.length} guest`)
  await sleep(600_000, undefined, { signal: stop.signal }).catch(() => {})
}
