/** `npm run bench`: the agent's figures on real kernels, as a table whose rows end in `ok` or `MISSED`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sayError } from '#kit/errors.ts'
import { enterLab } from '../lab/inside.ts'

await enterLab()
const { openLab } = await import('../lab/lab.ts')
const { makeGuestApp } = await import('../demo/guest-app.ts')
const { benchAgent } = await import('./agent-figures.ts')
const { tableOf } = await import('./table.ts')

const stop = new AbortController()
process.on('SIGINT', () => stop.abort(new Error('interrupted')))
const dir = mkdtempSync(join('/var/tmp', 'hawser-bench-'))
try {
  const nodes = ['n1', 'n2', 'n3'] as const
  await makeGuestApp({ dir, nodes, probePort: 1, apiUrl: undefined, stepsFile: '/run/steps' }, stop.signal)
  await using lab = await openLab({ nodes: nodes.length, mounts: { '/hawser': dir } }, stop.signal)
  const rows = await benchAgent(lab, nodes)
  console.log(tableOf(rows))
  process.exitCode = rows.every(({ reached }) => reached) ? 0 : 1
} catch (error) {
  console.error(`bench: ${sayError(error)}`)
  process.exitCode = 1
} finally {
  rmSync(dir, { recursive: true, force: true })
}
