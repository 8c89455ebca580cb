/** The stand-ins together: a pod with a volume starts, and comes to life elsewhere in each of the ways there are. */
import t, { type Test } from 'tap'
import { at, type KubeObject, listAt, textAt } from './api/json.ts'
import { attachmentName, conditionOf } from './control/pod-volumes.ts'
import type { ControllersOptions } from './controllers.ts'
import { openSmallCluster, type SmallCluster, soon } from './small-cluster.ts'

const VOLUME = {
  pv: 'writer',
  driver: 'linstor.csi.linbit.com',
  handle: 'r0',
  unique: 'kubernetes.io/csi/linstor.csi.linbit.com^r0',
}
const POD = '/api/v1/namespaces/default/pods/writer-0'
/** A volume on these nodes, its claim, and a StatefulSet with one pod that rather runs on the first. */
function writer(nodes: readonly string[]): [path: string, body: object][] {
  const term = (values: readonly string[]) => ({
    matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }],
  })
  const size = { storage: '32Mi' }
  const accessModes = ['ReadWriteOnce']
  const csi = {
    driver: VOLUME.driver,
    volumeHandle: VOLUME.handle,
    volumeAttributes: { device: '/dev/drbd0' },
  }
  const claimRef = { namespace: 'default', name: 'writer' }
  const nodeAffinity = { required: { nodeSelectorTerms: [term(nodes)] } }
  const preferred = [{ weight: 100, preference: term(nodes.slice(0, 1)) }]
  const spec = {
    terminationGracePeriodSeconds: 1,
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
    containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'writer' } }],
  }
  const labels = { app: 'writer' }
  const set = {
    replicas: 1,
    serviceName: 'writer',
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec },
  }
  const metadata = { name: 'writer' }
  return [
    [
      '/api/v1/persistentvolumes',
      { metadata, spec: { capacity: size, accessModes, claimRef, csi, nodeAffinity } },
    ],
    [
      '/api/v1/namespaces/default/persistentvolumeclaims',
      { metadata, spec: { accessModes, volumeName: 'writer', resources: { requests: size } } },
    ],
    ['/apis/apps/v1/namespaces/default/statefulsets', { metadata, spec: set }],
  ]
}

// Most of the time goes into waiting.
t.jobs = 8

async function withWriter(t: Test, options: Partial<ControllersOptions> = {}): Promise<SmallCluster> {
  const cluster = await openSmallCluster(['n1', 'n2', 'n3'], options, new AbortController().signal)
  t.teardown(() => cluster[Symbol.asyncDispose]())
  await soon(
    async () => (await cluster.get('/api/v1/nodes'))?.items?.filter(isOpen).length === 3 || undefined,
  )
  for (const [path, body] of writer(['n1', 'n2'])) await cluster.create(path, body)
  await runsOn(cluster, 'n1')
  return cluster
}

/** Ready, and its controller has seen it so. */
function isOpen(node: KubeObject): boolean {
  return conditionOf(node, 'Ready') === 'True' && listAt(node, 'spec', 'taints').length === 0
}

/** Ready on that node, with the volume promoted and mounted there. */
async function runsOn(cluster: SmallCluster, node: string, withinMs?: number): Promise<void> {
  await soon(async () => {
    const pod = await cluster.get(POD)
    const ready = listAt(pod, 'status', 'conditions').some(
      each => at(each, 'type') === 'Ready' && at(each, 'status') === 'True',
    )
    return ready && textAt(pod, 'spec', 'nodeName') === node && cluster.primaries.get('r0') === node
      ? true
      : undefined
  }, withinMs)
}

async function taint(cluster: SmallCluster, node: string): Promise<void> {
  const body = [
    {
      op: 'add',
      path: '/spec/taints',
      value: [{ key: 'drbd.linbit.com/lost-quorum', effect: 'NoSchedule' }],
    },
  ]
  await cluster.admin.call({ method: 'PATCH', path: `/api/v1/nodes/${node}`, body, patch: 'json-patch' })
}

async function release(cluster: SmallCluster, node: string): Promise<void> {
  await cluster.admin.call({
    method: 'PATCH',
    path: `/api/v1/nodes/${node}/status`,
    body: { status: { volumesInUse: null } },
    patch: 'merge-patch',
  })
}

async function deletePod(cluster: SmallCluster): Promise<void> {
  await cluster.admin.call({ method: 'DELETE', path: POD, body: { gracePeriodSeconds: 0 } })
}

const attachment = (node: string): string =>
  `/apis/storage.k8s.io/v1/volumeattachments/${attachmentName(VOLUME, node)}`

async function multiAttachEvents(cluster: SmallCluster): Promise<number> {
  const events = await cluster.get('/api/v1/namespaces/default/events')
  return (events?.items ?? []).filter(each => textAt(each, 'reason') === 'FailedAttachVolume').length
}

t.test('a pod with a volume starts: bound, scheduled, attached, mounted, ready', async t => {
  const cluster = await withWriter(t)
  const node = await cluster.get('/api/v1/nodes/n1')
  t.same(at(node, 'status', 'volumesInUse'), [VOLUME.unique])
  t.equal(textAt(listAt(node, 'status', 'volumesAttached')[0], 'name'), VOLUME.unique)
  t.same(at(node, 'spec', 'taints'), [], 'a ready node has no taint')
  t.equal(at(await cluster.get(attachment('n1')), 'status', 'attached'), true)
  t.match(await cluster.get('/apis/apps/v1/namespaces/default/statefulsets/writer'), {
    status: { readyReplicas: 1 },
  })
  t.ok([...(cluster.nodes.get('n1')?.mounts.keys() ?? [])][0]?.endsWith('/kubernetes.io~csi/writer/mount'))
})

t.test('an orderly deletion: stopped, unmounted, demoted, made again', async t => {
  const cluster = await withWriter(t)
  await taint(cluster, 'n1')
  await cluster.admin.call({ method: 'DELETE', path: POD })
  await runsOn(cluster, 'n2')
  t.equal(cluster.nodes.get('n1')?.mounts.size, 0)
  await soon(async () => ((await cluster.get(attachment('n1'))) === undefined ? true : undefined))
  t.equal(cluster.api.control.log.count({ user: 'system:node:n1', verb: 'delete', resource: 'pods' }), 1)
})

t.test('a dead node: taint, volumesInUse, attachment, pod, and the volume is elsewhere at once', async t => {
  const cluster = await withWriter(t)
  cluster.cutPower('n1')
  const begun = performance.now()
  await taint(cluster, 'n1')
  await release(cluster, 'n1')
  await cluster.admin.call({ method: 'DELETE', path: attachment('n1') })
  await deletePod(cluster)
  await runsOn(cluster, 'n2')
  t.comment(`${Math.round(performance.now() - begun)} ms`)
  t.equal(await multiAttachEvents(cluster), 0)
})

t.test('a dead node, its pod deleted and nothing else: the volume stays where it was', async t => {
  const cluster = await withWriter(t)
  cluster.cutPower('n1')
  await taint(cluster, 'n1')
  await deletePod(cluster)
  await soon(async () => ((await multiAttachEvents(cluster)) > 0 ? true : undefined))
  await t.rejects(runsOn(cluster, 'n2', 2_000))
  await release(cluster, 'n1')
  await runsOn(cluster, 'n2')
})

t.test('pod and attachment deleted: only the next look at the attachments helps', async t => {
  const deleteBoth = async (attachResyncMs: number): Promise<SmallCluster> => {
    const cluster = await withWriter(t, { attachResyncMs })
    cluster.cutPower('n1')
    await taint(cluster, 'n1')
    await deletePod(cluster)
    await cluster.admin.call({ method: 'DELETE', path: attachment('n1') })
    return cluster
  }
  const [never, soonEnough] = await Promise.all([deleteBoth(3_600_000), deleteBoth(1_500)])
  await runsOn(soonEnough, 'n2')
  await t.rejects(runsOn(never, 'n2', 2_000))
})

t.test(
  'a dead node that is left alone: unready after the grace, and its volumes forced away after their time',
  async t => {
    const cluster = await withWriter(t, { nodeGraceMs: 500, forceDetachMs: 1_500 })
    cluster.cutPower('n1')
    const tainted = await soon(async () => {
      const taints = listAt(await cluster.get('/api/v1/nodes/n1'), 'spec', 'taints')
      return taints.length > 0 ? taints : undefined
    })
    t.match(tainted, [
      { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
      { effect: 'NoExecute' },
    ])
    t.not(await cluster.get(POD), undefined, 'its pod is tolerated for five minutes')
    await deletePod(cluster)
    await runsOn(cluster, 'n2')
  },
)

t.test('a node that comes back is ready again, and its forgotten pod is ended', async t => {
  const cluster = await withWriter(t, { nodeGraceMs: 500 })
  cluster.api.control.fault({ user: 'system:node:n1' }, { kind: 'drop' })
  cluster.api.control.endWatches('end', 'pods')
  await soon(async () =>
    listAt(await cluster.get('/api/v1/nodes/n1'), 'spec', 'taints').length === 2 ? true : undefined,
  )
  await release(cluster, 'n1')
  await deletePod(cluster)
  await soon(async () => (textAt(await cluster.get(POD), 'spec', 'nodeName') === 'n2' ? true : undefined))
  t.equal(cluster.primaries.get('r0'), 'n1', 'n1 knows of nothing, and DRBD keeps the others out')
  cluster.api.control.clearFaults()
  await runsOn(cluster, 'n2')
  t.equal(cluster.nodes.get('n1')?.containers.size, 0)
  await soon(async () =>
    listAt(await cluster.get('/api/v1/nodes/n1'), 'spec', 'taints').length === 0 ? true : undefined,
  )
})

t.test('an API server that is away for a moment changes nothing', async t => {
  const cluster = await withWriter(t)
  const before = (await cluster.get(POD))?.metadata.uid
  cluster.api.control.down()
  await new Promise(done => setTimeout(done, 500))
  cluster.api.control.up()
  await runsOn(cluster, 'n1')
  t.equal((await cluster.get(POD))?.metadata.uid, before)
})
