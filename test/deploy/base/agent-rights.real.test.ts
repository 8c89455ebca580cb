/** Every API call that the agent has, made with the account of deploy/base against a real API server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { readPodFacts } from '../../../agent/kube/facts.ts'
import { readMembersObject } from '../../../agent/kube/members.ts'
import { applyReport } from '../../../agent/kube/report.ts'
import { openKube } from '../../../agent/kube/request.ts'
import { carryOut, stripWhenStuck, untaint } from '../../../agent/kube/steps.ts'
import { findBinary } from '../../cluster/binary.ts'
import { openControlPlane } from '../../cluster/control-plane.ts'
import { report } from '../../coordinator/model/reports.ts'

const { signal: never } = new AbortController()
const DEPLOY = join(import.meta.dirname, '../../../deploy')
const HANDLE = 'kubernetes.io/csi/linstor.csi.linbit.com^pvc-1'
const TAINT = { key: 'drbd.linbit.com/lost-quorum', value: 'x', effect: 'NoSchedule' }

/** A node that has died with a pod, its claim, its volume and its attachment. */
const WORLD = [
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', image: 'test.local/none:1' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'claim', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeName: 'pv',
      storageClassName: '',
      resources: { requests: { storage: '1Mi' } },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Mi' },
      storageClassName: '',
      csi: { driver: 'linstor.csi.linbit.com', volumeHandle: 'pvc-1' },
    },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: 'va', finalizers: ['test.local/hangs'] },
    spec: { attacher: 'linstor.csi.linbit.com', nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'hawser-members', namespace: 'hawser' },
    data: { 'members.json': '{"members":[{"node":"n1","addresses":["10.0.0.1"]}]}' },
  },
]

t.test('with its account the agent can do its work', { timeout: 120_000 }, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-rights-'))
  const kubehost = await findBinary(line => t.comment(line), never)
  const plane = await openControlPlane({ kubehost, dir, parts: [] }, never)
  t.teardown(async () => {
    await plane[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  const kubectl = async (args: string[], input?: unknown): Promise<string> => {
    const done = await plane.kubectl(args, input === undefined ? {} : { input: JSON.stringify(input) })
    if (done.status !== 0) t.fail(`kubectl ${args.join(' ')}: ${done.stderr}`)
    return done.stdout
  }
  await kubectl(['apply', '-f', join(DEPLOY, 'crds')])
  await kubectl(['apply', '-k', join(DEPLOY, 'base')])
  for (const object of WORLD) await kubectl(['create', '-f', '-'], object)
  await kubectl([
    'patch',
    'node',
    'n1',
    '--subresource=status',
    '-p',
    JSON.stringify({ status: { volumesInUse: [HANDLE] } }),
  ])
  const tokenFile = join(dir, 'agent.token')
  await writeFile(tokenFile, await kubectl(['-n', 'hawser', 'create', 'token', 'hawser-agent']))
  const kube = openKube({ url: plane.url, caFile: plane.caFile, tokenFile }, systemClock)
  t.teardown(() => kube[Symbol.asyncDispose]())

  await t.test('its report, made and written again', async t => {
    await applyReport(kube, report('n1'), never)
    await applyReport(kube, report('n1', { reasons: [{ code: 'Again', text: '' }] }), never)
    t.match(await kubectl(['get', 'hawsernode', 'n1', '-o', 'jsonpath={.status.reasons[0].code}']), 'Again')
  })
  await t.test('the members', async t => {
    t.match(await readMembersObject(kube, never), { members: [{ node: 'n1' }] })
  })
  const facts = await readPodFacts(kube, 'n1', never)
  await t.test('the facts of a lost node', async t => {
    t.match(facts, { pods: [{ name: 'p' }], claims: [{}], volumes: [{}], attachments: [{ name: 'va' }] })
  })
  await t.test('each step of a failover', async t => {
    const [pod] = facts.pods
    const [attachment] = facts.attachments
    const resourceVersion = facts.node?.resourceVersion ?? ''
    t.equal(
      await carryOut(kube, { kind: 'taint', node: 'n1', resourceVersion, taints: [TAINT] }, never),
      'done',
    )
    t.equal(await carryOut(kube, { kind: 'release', node: 'n1', inUse: [HANDLE] }, never), 'done')
    const name = 'va'
    const uid = attachment?.uid ?? ''
    t.equal(await carryOut(kube, { kind: 'delete-attachment', name, uid, stripAfterMs: 0 }, never), 'done')
    t.equal(await stripWhenStuck(kube, systemClock, { name, uid, afterMs: 0 }, never), 'done')
    const last = { kind: 'delete-pod', namespace: 'default', name: 'p', uid: pod?.uid ?? '' } as const
    t.equal(await carryOut(kube, last, never), 'done')
    t.equal(await untaint(kube, 'n1', TAINT.key, TAINT.value, never), 'done')
    t.match((await plane.kubectl(['get', 'pods,volumeattachments', '-A'])).stderr, /No resources found/)
  })
})
