/** Puts Hawser into the test cluster the way a user would: the manifests of deploy/base, a key made at random. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { KEY_SECRET, NAMESPACE } from '#protocol/names.ts'
import type { LabNode } from '../lab/layout.ts'
import type { Cluster } from './cluster.ts'
import { until } from './until.ts'

const BASE = join(import.meta.dirname, '../../deploy/base')

/** softdog of every node is loaded, namespace, rights, DaemonSet and Deployment are applied; the pods need not run yet. */
export async function installHawser(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.nodes.map(node => loadWatchdog(cluster, node)))
  await kubectl(cluster, ['apply', '-k', BASE])
  const key = randomBytes(32).toString('base64')
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: KEY_SECRET, namespace: NAMESPACE },
    data: { key },
  }
  await cluster.apply([secret])
}

/** Again after every boot of a node: what a node's modules-load.d would do. */
export async function loadWatchdog(cluster: Cluster, node: LabNode): Promise<void> {
  await cluster.lab.sh(node, 'modprobe softdog soft_margin=5')
}

/** Until the DaemonSet has a running pod on every node. */
export async function waitAgents(cluster: Cluster, deadlineMs: number, signal: AbortSignal): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/hawser-agent`
  const ask = async () => {
    const { body } = await cluster.api.call({ method: 'GET', path })
    return body.status?.['numberReady'] === cluster.nodes.length || undefined
  }
  await until('an agent on every node', ask, { signal, deadlineMs })
}

async function kubectl(cluster: Cluster, args: readonly string[]): Promise<void> {
  const { status, stderr } = await cluster.plane.kubectl(args)
  if (status !== 0)
    throw new AppError('API_REFUSED', 'kubectl was refused', {
      args: args.join(' '),
      stderr: stderr.slice(0, 600),
    })
}
