/** The demo's cluster with Kubernetes itself: control plane, kubelets and containers, Hawser from its own manifests. */
import { z } from 'zod'
import { DecisionsSchema } from '#protocol/status.ts'
import { type Cluster, openCluster } from '../cluster/cluster.ts'
import { installHawser, waitAgents } from '../cluster/hawser.ts'
import { writerManifests } from '../cluster/manifests.ts'
import { type LabNode, labNode, nodesUpTo } from '../lab/layout.ts'
import type { ClusterBackend, ClusterNews } from './backend.ts'
import { RESOURCE } from './embedded.ts'
import type { DeleteCall } from './expectations.ts'
import { openFolder, openGround } from './ground.ts'
import { APP, makeGuestApp, rememberVolume } from './guest-app.ts'
import { labFaults } from './lab-faults.ts'
import { mountedAt } from './oracle-run.ts'
import { followPods, nodeNameOf, waitOpen } from './pod-news.ts'
import type { WallMs } from './timeline.ts'

/** Kubelet, containerd, and five Node processes. */
const MEMORY = '832M'
const STEPS_FILE = '/run/hawser-test/csi.jsonl'
/** Known before the network is there: the guests' folder names it. */
const PROBE_PORT = 7101
const POD = 'writer-0'
const PODS = '/api/v1/namespaces/default/pods'
const AGENTS_WITHIN_MS = 120_000
const BACK_WITHIN_MS = 120_000

async function podNode({ api }: Cluster): Promise<LabNode | undefined> {
  const { status, body } = await api.call({ method: 'GET', path: `${PODS}/${POD}` })
  const node = status === 200 ? nodeNameOf(body) : undefined
  return node === undefined ? undefined : labNode(node)
}

const Said = z.object({ decisions: DecisionsSchema.shape.decisions })

/** What the agents say of their own calls: the API server of this cluster writes no audit log. */
async function podDeletes({ lab, nodes }: Cluster, since: WallMs): Promise<readonly DeleteCall[]> {
  const asked = nodes
    .filter(node => lab.guests.isRunning(node))
    .map(async (node): Promise<DeleteCall[]> => {
      const { status, stdout } = await lab.exec(node, `node ${APP}/hawser.mjs decisions -o json`, {
        deadlineMs: 15_000,
      })
      if (status !== 0) return []
      return Said.parse(JSON.parse(stdout))
        .decisions.filter(({ topic, verdict }) => topic === 'failover-step' && verdict === 'delete-pod done')
        .map(({ at, because }) => ({
          at: Date.parse(at),
          pod: because.split('/')[1] ?? '',
          by: `agent-${node}`,
        }))
    })
  return (await Promise.all(asked)).flat().filter(({ at }) => at >= since)
}

/** A node of the cluster again, with its pods, and open for new ones. */
async function comeBack(cluster: Cluster, node: LabNode, signal: AbortSignal): Promise<void> {
  const { lab } = cluster
  if (!lab.guests.isRunning(node)) await lab.boot([node])
  await cluster.waitReady([node], BACK_WITHIN_MS)
  await waitOpen(cluster.api, node, BACK_WITHIN_MS, signal)
}

export async function openReal(
  count: number,
  news: ClusterNews,
  signal: AbortSignal,
): Promise<ClusterBackend> {
  await using stack = new AsyncDisposableStack()
  const app = stack.use(openFolder())
  const nodes = nodesUpTo(count)
  await makeGuestApp(
    { dir: app.path, nodes, probePort: PROBE_PORT, apiUrl: undefined, stepsFile: STEPS_FILE },
    signal,
  )
  news.step(`booting ${count} nodes: User-Mode Linux, DRBD 8.4, kubelet and containerd`)
  for (const node of nodes) news.node(node, { power: 'booting' })
  const cluster = stack.use(
    await openCluster(
      {
        nodes: count,
        say: line => news.step(line),
        lab: { memory: MEMORY, mounts: { [APP]: app.path }, hook: `${APP}/boot.sh` },
      },
      signal,
    ),
  )
  const { lab } = cluster
  for (const node of nodes) news.node(node, { power: 'up' })
  const ground = stack.use(await openGround(lab, news, PROBE_PORT))
  news.step('Hawser: an agent on every node, the coordinator')
  await installHawser(cluster, { membersAtOnce: true })
  await waitAgents(cluster, AGENTS_WITHIN_MS, signal)
  news.step('a replicated volume on n1 and n2')
  await lab.setupResource(RESOURCE)
  rememberVolume(app.path, RESOURCE)
  stack.use(followPods(cluster.api, news))
  news.step('a StatefulSet with one pod that writes to it')
  const wanted = { name: 'writer', resource: RESOURCE.resource, device: '/dev/drbd0', nodes: RESOURCE.nodes }
  await cluster.apply(writerManifests({ ...wanted, collector: ground.oracle.address }))

  const all = stack.move()
  return {
    kind: 'real',
    nodes,
    lab,
    faults: labFaults(lab, RESOURCE.resource),
    podNode: () => podNode(cluster),
    podDeletes: since => podDeletes(cluster, since),
    beginRun: async () => ground.oracle.beginRun(),
    async verdict() {
      const node = await podNode(cluster)
      return await ground.oracle.verdict(lab, node && (await mountedAt(lab, node, '/dev/drbd0')))
    },
    comeBack: node => comeBack(cluster, labNode(node), signal),
    apiDown: () => cluster.plane.stop('apiserver'),
    apiUp: () => cluster.plane.start('apiserver'),
    lookAround: () => [
      `exec n2 'node ${APP}/hawser.mjs status'   what the agent of n2 knows and has decided`,
      "exec n2 'cat /proc/drbd'                   what its kernel says",
      'power-cut n2                               another fault by hand; npm run lab -- help lists them',
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
