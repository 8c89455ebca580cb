/**
 * The stand-in kubelet as a process of a lab guest, so that power cut, freeze and isolation hit it as they hit a real
 * one: kubelet-guest --node N --api URL [--token T] [--address A] [--steps FILE] [--image FOLDER=PLACE]… [--status-ms N]
 * [--lease-ms N]; --image shows a folder of the guest in every container, for there are no images
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { CSI_DRIVER } from '#protocol/names.ts'
import { runProgram } from '../cluster/program.ts'
import { type NodeHost, parseMounts } from '../csi/host.ts'
import type { VolumeStep } from '../csi/volume.ts'
import { openControlClient } from './control/client.ts'
import { type Mount, startProcess } from './kubelet/container.ts'
import { runKubelet } from './kubelet/kubelet.ts'
import { type NodeFacts, NodeReport } from './kubelet/node-report.ts'
import { Turns } from './kubelet/turns.ts'

const OPTIONS = {
  node: { type: 'string', default: '' },
  api: { type: 'string', default: '' },
  token: { type: 'string' },
  address: { type: 'string', default: '127.0.0.1' },
  root: { type: 'string', default: '/var/lib/kubelet' },
  steps: { type: 'string' },
  image: { type: 'string', multiple: true },
  'status-ms': { type: 'string', default: '1000' },
  'lease-ms': { type: 'string', default: '2000' },
} as const

/** The guest's own programs and mount table. */
const guestHost: NodeHost = {
  run: (argv, deadlineMs, signal) => runProgram(argv, { deadlineMs, signal }),
  readMounts: async () => parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
}

function read(path: string): string {
  return readFileSync(path, 'utf8').trim()
}

function parseMount(text: string): Mount {
  const [source = '', target = ''] = text.split('=')
  return { source, target }
}

function stepWriter(
  file: string | undefined,
  node: string,
): (step: VolumeStep['step'], volume: string, error?: string) => void {
  if (file !== undefined) mkdirSync(dirname(file), { recursive: true })
  return (step, volume, error) => {
    const line = `${JSON.stringify({ step, volume, node, ms: Date.now(), ...(error === undefined ? {} : { error }) })}\n`
    process.stdout.write(line)
    if (file !== undefined) appendFileSync(file, line)
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  const { node, api, address, root } = values
  // Unmounting on the node must reach the mount namespaces of the containers.
  execFileSync('mount', ['--make-rshared', '/'])
  const facts: NodeFacts = {
    name: node,
    address,
    bootId: read('/proc/sys/kernel/random/boot_id'),
    machineId: read('/etc/machine-id'),
    kernelVersion: release(),
    labels: {},
    driver: CSI_DRIVER,
    capacity: { cpu: '1', memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '20' },
  }
  const client = openControlClient(api, values.token ?? `system:node:${node}`)
  const report = new NodeReport(client, facts)
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
  const times = {
    statusMs: Number(values['status-ms']),
    leaseMs: Number(values['lease-ms']),
    leaseDurationS: 40,
  }
  await runKubelet(
    node,
    {
      client,
      report,
      host: guestHost,
      start: startProcess,
      imageMounts: (values.image ?? []).map(parseMount),
      turns: new Turns(),
      address,
      rootDir: root,
      note: stepWriter(values.steps, node),
    },
    times,
    stop.signal,
  )
}

if (import.meta.main) await main()
