/** Program inside the lab's namespaces: opens a cluster, says when it is ready, and closes it on SIGTERM or SIGINT. */
import { rename, writeFile } from 'node:fs/promises'
import { sayError } from '#kit/errors.ts'
import { findBinary } from './binary.ts'
import { openCluster } from './cluster.ts'

const [nodes = '3', stateDir = '', readyFile = ''] = process.argv.slice(2)
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => stop.abort(new Error('asked to stop')))

try {
  const say = (line: string) => console.log(line)
  await using cluster = await openCluster({ nodes: Number(nodes), say, lab: { stateDir } }, stop.signal)
  const ready = { kubehost: await findBinary(say, stop.signal), kubeconfig: cluster.plane.kubeconfig }
  await writeFile(`${readyFile}.part`, JSON.stringify(ready))
  await rename(`${readyFile}.part`, readyFile)
  await new Promise(resolve => stop.signal.addEventListener('abort', resolve))
} catch (error) {
  if (!stop.signal.aborted) {
    console.log(sayError(error))
    process.exitCode = 1
  }
}
process.exit()
