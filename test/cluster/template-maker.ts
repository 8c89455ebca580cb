/** Program: `template-maker.ts WORK OUT KUBEHOST` boots a guest that imports WORK/base.tar, and copies its container disk to OUT. */
import { join } from 'node:path'
import { EXIT, sayError } from '#kit/errors.ts'
import { copyDisk } from '../lab/disks.ts'
import { openLab } from '../lab/lab.ts'
import { guestView, NODE_SCRIPT } from './guest-view.ts'

const [work = '', out = '', kubehost = ''] = process.argv.slice(2)
const IMPORT_MS = 180_000

async function make(signal: AbortSignal): Promise<void> {
  const view = guestView({ stateDir: work, kubehost, emptyDisks: 1 })
  await using lab = await openLab({ nodes: 1, memory: '512M', disks: 2, ...view }, signal)
  const [node = 'n1'] = lab.nodes
  const variables = `set -a; . /lab/boot/${node}; lab_node=${node}`
  await lab.sh(node, `${variables}; ${NODE_SCRIPT} import`, { deadlineMs: IMPORT_MS })
  await lab.halt(node)
  await copyDisk(join(lab.guests.folder(node), 'disk1'), out)
}

try {
  await make(new AbortController().signal)
} catch (error) {
  console.error(sayError(error))
  process.exitCode = EXIT.failed
}
