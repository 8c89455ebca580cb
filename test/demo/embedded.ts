/** The demo's cluster with the embedded API server: agents, kubelets and DRBD in the guests are real, its controllers stand in. */
import { join } from 'node:path'
import { type Api, openApi } from '../cluster/api.ts'
import { writerManifests } from '../cluster/manifests.ts'
import { until } from '../cluster/until.ts'
import { type FakeApiServer, openApiServer } from '../fakes/api-server.ts'
import { openControllers } from '../fakes/controllers.ts'
import { type Lab, openLab } from '../lab/lab.ts'
import { hostAddress, type LabNode, labNode } from '../lab/layout.ts'
import type { ResourceSpec } from '../lab/storage.ts'
import type { ClusterBackend, ClusterNews } from './backend.ts'
import { openCoordinator } from './coordinator.ts'
import { type Ground, openFolder, openGround } from './ground.ts'
import { APP, agentUser, makeGuestApp, rememberVolume } from './guest-app.ts'
import { labFaults } from './lab-faults.ts'
import { mountedAt } from './oracle-run.ts'
import { followPods, nodeNameOf, waitOpen } from './pod-news.ts'

/** Agent, kubelet, probe and writer are Node processes. */
const MEMORY = '448M'
const API_PORT = 6443
const STEPS_FILE = '/run/hawser-test/csi.jsonl'
const POD_WITHIN_MS = 60_000
const BACK_WITHIN_MS = 60_000

export const RESOURCE: ResourceSpec = {
  resource: 'r0',
  nodes: ['n1', 'n2'],
  handler: '/var/lib/hawser/bin/fence-peer',
}

const COLLECTIONS: Readonly<Record<string, string>> = {
  PersistentVolume: '/api/v1/persistentvolumes',
  PersistentVolumeClaim: '/api/v1/namespaces/default/persistentvolumeclaims',
  StatefulSet: '/apis/apps/v1/namespaces/default/statefulsets',
}

/** The volume, its claim, and the StatefulSet that writes to it. */
async function createWorkload(api: Api, collector: string): Promise<void> {
  const { resource, nodes } = RESOURCE
  const wanted = { name: 'writer', resource, device: '/dev/drbd0', nodes, collector }
  for (const manifest of writerManifests(wanted)) {
    const answer = await api.call({ method: 'POST', path: COLLECTIONS[manifest.kind] ?? '', body: manifest })
    if (answer.status !== 201) throw new Error(`${manifest.kind} was refused: ${answer.body.message}`)
  }
}

interface Parts {
  readonly lab: Lab
  readonly server: FakeApiServer
  readonly api: Api
  readonly ground: Ground
  readonly signal: AbortSignal
}

async function podNode(api: Api): Promise<LabNode | undefined> {
  const { body } = await api.call({ method: 'GET', path: '/api/v1/namespaces/default/pods' })
  const node = body.items?.map(nodeNameOf).find(name => name !== undefined)
  return node === undefined ? undefined : labNode(node)
}

async function comeBack({ lab, api, signal }: Parts, node: LabNode): Promise<void> {
  if (!lab.guests.isRunning(node)) await lab.boot([node])
  await waitOpen(api, node, BACK_WITHIN_MS, signal)
}

export async function openEmbedded(
  count: number,
  news: ClusterNews,
  signal: AbortSignal,
): Promise<ClusterBackend> {
  await using stack = new AsyncDisposableStack()
  const app = stack.use(openFolder())
  news.step(`booting ${count} nodes: User-Mode Linux, DRBD 8.4`)
  const options = {
    nodes: count,
    memory: MEMORY,
    mounts: { [APP]: app.path },
    hook: `${APP}/boot.sh`,
    boot: false,
  }
  const lab = stack.use(await openLab(options, signal))
  for (const node of lab.nodes) news.node(node, { power: 'booting' })
  const ground = stack.use(await openGround(lab, news))
  const server = stack.use(await openApiServer({ host: hostAddress('mgmt'), port: API_PORT }, signal))
  const api = stack.use(openApi({ url: server.url, caFile: undefined, adminToken: 'demo' }))
  await makeGuestApp(
    {
      dir: app.path,
      nodes: lab.nodes,
      probePort: ground.probes.port,
      apiUrl: server.url,
      stepsFile: STEPS_FILE,
    },
    signal,
  )
  const coordinator = stack.use(await openCoordinator(server.url, join(lab.stateDir, 'coordinator.log')))

  stack.use(await openControllers({ url: server.url }, signal))
  stack.use(followPods(api, news))
  await lab.boot()
  news.step('a replicated volume on n1 and n2')
  await lab.setupResource(RESOURCE)
  rememberVolume(app.path, RESOURCE)
  news.step('a StatefulSet with one pod that writes to it')
  await createWorkload(api, ground.oracle.address)
  const parts: Parts = { lab, server, api, ground, signal }
  await until('the pod has a node', () => podNode(api), { signal, deadlineMs: POD_WITHIN_MS })

  const all = stack.move()
  const agents = new Set(lab.nodes.map(agentUser))
  return {
    kind: 'embedded',
    nodes: lab.nodes,
    lab,
    faults: labFaults(lab, RESOURCE.resource),
    podNode: () => podNode(api),
    podDeletes: async since =>
      server.control.log
        .list({ verb: 'delete', resource: 'pods' })
        .filter(({ user }) => agents.has(user))
        .map(({ atMs, name, user }) => ({ at: performance.timeOrigin + atMs, pod: name ?? '', by: user }))
        .filter(({ at }) => at >= since),
    beginRun: async () => ground.oracle.beginRun(),
    async verdict() {
      const node = await podNode(api)
      return await ground.oracle.verdict(lab, node && (await mountedAt(lab, node, '/dev/drbd0')))
    },
    comeBack: node => comeBack(parts, labNode(node)),
    async apiDown() {
      await coordinator.stop()
      server.control.down()
    },
    async apiUp() {
      server.control.up()
      await coordinator.start()
    },
    lookAround: () => [
      "exec n2 'node /hawser/hawser.mjs status'   what the agent of n2 knows and has decided",
      "exec n2 'cat /proc/drbd'                   what its kernel says",
      'in-net curl -s http://10.99.0.1:6443/api/v1/namespaces/default/pods',
      'power-cut n2                               another fault by hand; npm run lab -- help lists them',
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
