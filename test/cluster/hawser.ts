/** Puts Hawser into the test cluster the way a user would: the manifests of deploy/base, a key made at random. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { KEY_SECRET, MEMBERS_CONFIGMAP, NAMESPACE } from '#protocol/names.ts'
import { type LabNode, nodeAddress } from '../lab/layout.ts'
import type { Cluster } from './cluster.ts'
import type { Manifest } from './manifests.ts'
import { until } from './until.ts'

const BASE = join(import.meta.dirname, '../../deploy/base')

export interface InstallOptions {
  /** Do not leave the list of members to the coordinator, which makes it when the nodes have not changed for 20 s. */
  readonly membersAtOnce?: boolean
}

/** softdog of every node is loaded, namespace, rights, DaemonSet and Deployment are applied; the pods need not run yet. */
export async function installHawser(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  await Promise.all(cluster.nodes.map(node => loadWatchdog(cluster, node)))
  // the key first: a pod that does not find it is tried again only after a while
  await kubectl(cluster, ['apply', '-f', join(BASE, 'namespace.yaml')])
  const key = randomBytes(32).toString('base64')
  const metadata = { name: KEY_SECRET, namespace: NAMESPACE }
  await cluster.apply([{ apiVersion: 'v1', kind: 'Secret', metadata, data: { key } }])
  if (options.membersAtOnce) await cluster.apply([membersManifest(cluster.nodes)])
  await kubectl(cluster, ['apply', '-k', join(import.meta.dirname, 'overlay')])
}

/** The first address carries the beats. */
function membersManifest(nodes: readonly LabNode[]): Manifest {
  const members = nodes.map(node => ({
    node,
    addresses: [nodeAddress(node, 'mgmt'), nodeAddress(node, 'repl')],
  }))
  const metadata = { name: MEMBERS_CONFIGMAP, namespace: NAMESPACE }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'members.json': JSON.stringify({ members }) },
  }
}

/** Again after every boot of a node: what a node's modules-load.d would do. */
export async function loadWatchdog(cluster: Cluster, node: LabNode): Promise<void> {
  await cluster.lab.sh(node, 'modprobe softdog soft_margin=5 nowayout=0')
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
