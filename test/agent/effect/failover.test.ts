import { createHash } from 'node:crypto'
import t from 'tap'
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import { systemClock } from '#kit/clock.ts'
import { openLog } from '#kit/log.ts'
import { DEFAULT_POLICY } from '../../../agent/decide/policy.ts'
import { runFailover, type StepDone } from '../../../agent/effect/failover.ts'
import { openKube } from '../../../agent/kube/request.ts'
import { untaint } from '../../../agent/kube/steps.ts'
import type { FailoverEvent } from '../../../agent/state/failover.ts'
import { openApiServer } from '../../fakes/api-server.ts'

const BOOT = '11111111-2222-3333-4444-555555555555' as BootId
const ORDER = { node: 'n1' as NodeName, bootId: BOOT, proven: ['r0' as ResourceName] }
const IN_USE = 'kubernetes.io/csi/linstor.csi.linbit.com^r0'
const log = openLog({ level: 'silent', name: 'test' })
/** As the attach/detach controller names it. */
const VA = `csi-${createHash('sha256').update('r0linstor.csi.linbit.comn1').digest('hex')}`

/** A node with one pod that writes to r0, one that only reads a config map, and r0's attachment. */
async function scene(finalizer?: string) {
  const stop = new AbortController()
  const api = await openApiServer({}, stop.signal)
  const put = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(api.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer admin' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  }
  await put('/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: { taints: [{ key: 'other', effect: 'NoSchedule' }] },
  })
  await fetch(`${api.url}/api/v1/nodes/n1/status`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json', authorization: 'Bearer admin' },
    body: JSON.stringify({
      status: { nodeInfo: { bootID: BOOT }, volumesInUse: ['kubernetes.io/csi/x^y', IN_USE] },
    }),
  })
  await put('/api/v1/persistentvolumes', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv-a' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'linstor.csi.linbit.com', volumeHandle: 'r0' },
    },
  })
  await put('/api/v1/namespaces/default/persistentvolumeclaims', {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv-a', resources: { requests: { storage: '1Gi' } } },
  })
  const owner = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'x', controller: true }]
  const pod = (name: string, volumes: object[]): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ownerReferences: owner },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], volumes },
  })
  await put(
    '/api/v1/namespaces/default/pods',
    pod('db-0', [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }]),
  )
  await put('/api/v1/namespaces/default/pods', pod('web', [{ name: 'v', emptyDir: {} }]))
  await put('/apis/storage.k8s.io/v1/volumeattachments', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: VA, ...(finalizer === undefined ? {} : { finalizers: [finalizer] }) },
    spec: { attacher: 'linstor.csi.linbit.com', nodeName: 'n1', source: { persistentVolumeName: 'pv-a' } },
  })
  api.control.log.clear()
  const kube = openKube({ url: api.url, caFile: undefined, tokenFile: undefined }, systemClock)
  const events: FailoverEvent[] = []
  const steps: StepDone[] = []
  const run = (
    whyFallen: () => string | undefined = () => undefined,
    policy = DEFAULT_POLICY,
  ): Promise<void> =>
    runFailover(
      {
        kube,
        clock: systemClock,
        policy,
        log,
        whyFallen,
        post: event => events.push(event),
        tell: step => steps.push(step),
      },
      ORDER,
      stop.signal,
    )
  return {
    api,
    kube,
    events,
    steps,
    run,
    async [Symbol.asyncDispose]() {
      await kube[Symbol.asyncDispose]()
      stop.abort()
      await api[Symbol.asyncDispose]()
    },
  }
}

t.test('taint, release, attachment, pod: in this order, each once, and nothing else is touched', async t => {
  await using s = await scene()
  await s.run()
  t.match(s.events, [
    { kind: 'failover-began' },
    { kind: 'failover-ended', error: undefined, handled: ['r0'] },
  ])
  t.same(
    s.steps.map(({ step }) => step.kind),
    ['taint', 'release', 'delete-attachment', 'delete-pod'],
  )
  const writes = s.api.control.log.list({ verb: ['patch', 'delete'] })
  t.same(
    writes.map(({ verb, resource }) => `${verb} ${resource}`),
    ['patch nodes', 'patch nodes/status', 'delete volumeattachments', 'delete pods'],
  )
  t.equal(s.api.store.get('/pods', 'default/db-0'), undefined)
  t.ok(s.api.store.get('/pods', 'default/web'), 'a pod without a volume of ours stays')
  const node = nodeOf(s)
  t.ok(node.spec.taints.some(({ key }) => key === 'other'))
  t.match(
    node.spec.taints.find(({ key }) => key === 'drbd.linbit.com/lost-quorum'),
    { value: BOOT, effect: 'NoSchedule' },
  )
  t.same(node.status.volumesInUse, ['kubernetes.io/csi/x^y'])
})

t.test('a second run finds nothing to do, and writes nothing', async t => {
  await using s = await scene()
  await s.run()
  s.api.control.log.clear()
  await s.run()
  t.equal(s.api.control.log.count({ verb: ['patch', 'delete', 'create', 'update'] }), 0)
  t.match(s.events.at(-1), { kind: 'failover-ended', error: undefined })
})

t.test('a verdict that falls between two steps stops the rest', async t => {
  await using s = await scene()
  let looks = 0
  await s.run(() => {
    looks += 1
    return looks > 2 ? 'the node was seen in another boot' : undefined
  })
  t.match(s.events.at(-1), { kind: 'failover-ended', error: /another boot/ })
  t.equal(s.api.control.log.count({ verb: 'delete' }), 0)
  t.ok(s.api.store.get('/pods', 'default/db-0'))
})

t.test('an attachment that nobody detaches loses its finalizer after a while', async t => {
  await using s = await scene('external-attacher/linstor-csi-linbit-com')
  await s.run(() => undefined, { ...DEFAULT_POLICY, stripAfterMs: 300 })
  t.match(s.events.at(-1), { kind: 'failover-ended', error: undefined })
  t.equal(s.api.store.get('storage.k8s.io/volumeattachments', VA), undefined)
})

t.test('another writer in between: the facts are read again', async t => {
  await using s = await scene()
  using fault = s.api.control.fault({ verb: 'patch', resource: 'nodes' }, { kind: 'error', code: 409 }, 1)
  await s.run()
  t.equal(fault.hits, 1)
  t.match(s.events.at(-1), { kind: 'failover-ended', error: undefined })
  t.equal(s.api.control.log.count({ verb: 'delete', resource: 'pods' }), 1)
})

t.test('an API server that is down is an error that names it; nothing is lost when it is back', async t => {
  await using s = await scene()
  s.api.control.down()
  await s.run()
  t.match(s.events.at(-1), { kind: 'failover-ended', error: /API_UNREACHABLE|DEADLINE_PASSED/ })
  s.api.control.up()
  await s.run()
  t.match(s.events.at(-1), { kind: 'failover-ended', error: undefined })
  t.equal(s.api.store.get('/pods', 'default/db-0'), undefined)
})

t.test('only our own taint with that value comes off', async t => {
  await using s = await scene()
  await s.run()
  const never = new AbortController().signal
  t.equal(await untaint(s.kube, 'n1', 'drbd.linbit.com/lost-quorum', 'another boot', never), 'gone')
  t.equal(await untaint(s.kube, 'n1', 'drbd.linbit.com/lost-quorum', BOOT, never), 'done')
  const keys = nodeOf(s).spec.taints.map(({ key }) => key)
  t.notOk(keys.includes('drbd.linbit.com/lost-quorum'))
  t.ok(keys.includes('other'))
})

function nodeOf(s: Awaited<ReturnType<typeof scene>>) {
  return s.api.store.get('/nodes', 'n1') as unknown as {
    spec: { taints: { key: string; value?: string }[] }
    status: { volumesInUse: string[] }
  }
}
