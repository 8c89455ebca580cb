/** Program: `keeper.ts NODES` keeps a cluster standing until SIGTERM; everything dies with it. Writes its progress to standard output. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sayError } from '#kit/errors.ts'
import { runInside } from '../lab/inside.ts'
import { requireLab } from '../lab/requirements.ts'
import { clearStateDir, newStateDir } from '../lab/state-dir.ts'
import { forgetStanding, writeStanding } from './standing.ts'

const [nodes = '3'] = process.argv.slice(2)
// named after this process: while it lives nobody clears the folder away
const stateDir = newStateDir(process.pid)
const readyFile = join(stateDir, 'ready.json')

/** The process inside says where the kubeconfig is; its own number is known only out here. */
async function announce(innerPid: () => number | undefined): Promise<void> {
  while (!existsSync(readyFile)) await sleep(100)
  const inside = innerPid()
  if (inside === undefined) return
  writeStanding({ keeper: process.pid, inside, stateDir, ...JSON.parse(readFileSync(readyFile, 'utf8')) })
}

try {
  requireLab()
  const argv = [process.execPath, join(import.meta.dirname, 'keep-inside.ts'), nodes, stateDir, readyFile]
  process.exitCode = await runInside(argv, innerPid => void announce(innerPid))
} catch (error) {
  console.log(sayError(error))
  process.exitCode = 1
} finally {
  forgetStanding()
  clearStateDir(stateDir)
}
process.exit()
