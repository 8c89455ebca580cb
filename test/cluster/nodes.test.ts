/** Real nodes: Ready, a pod on a DRBD volume writes and is moved, the API is served to pods, a node comes back after a power cut. */
import { MEMBERS_CONFIGMAP, NAMESPACE } from '#protocol/names.ts'
import { hostAddress } from '../lab/layout.ts'
import { judge } from '../lab/oracle/checker.ts'
import { openCollector } from '../lab/oracle/collector.ts'
import { scanRecords } from '../lab/oracle/records.ts'
import { testSignal as signal, t } from '../lab/tap-inside.ts'
import { openCluster } from './cluster.ts'
import { installHawser, waitAgents } from './hawser.ts'
import { BASE_IMAGE } from './images.ts'
import { type Manifest, recordsPattern, writerManifests } from './manifests.ts'
import { until } from './until.ts'

const started = performance.now()
const since = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
const attachments: string[] = []
await using cluster = await openCluster(
  {
    nodes: 3,
    say: line => t.comment(`${since()} ${line}`),
    onAttachment: ({ step, node }) => attachments.push(`${step} ${node}`),
  },
  signal,
)
const { lab, plane } = cluster
const WAIT_MS = 90_000
/** The agent's status document, asked for on the node. */
const STATUS = `node -e "require('http').get({socketPath:'/run/hawser/agent.sock',path:'/v1/status'},r=>r.pipe(process.stdout))"`

async function kubectl(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await plane.kubectl(args)
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

await t.test('three nodes are Ready, with the kernel of the lab', async t => {
  const kernels = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kernelVersion}')
  t.equal(kernels.split(' ').length, 3)
  t.equal(kernels.split(' ')[0], (await lab.sh('n1', 'uname -r')).trim())
})

await t.test('a pod in the pod network reaches the API server by its service address', async t => {
  const script = `
    const dir = '/var/run/secrets/kubernetes.io/serviceaccount'
    const { readFileSync } = require('node:fs')
    require('node:https').get({ host: process.env.KUBERNETES_SERVICE_HOST, port: process.env.KUBERNETES_SERVICE_PORT,
      path: '/version', ca: readFileSync(dir + '/ca.crt'), headers: { authorization: 'Bearer ' + readFileSync(dir + '/token', 'utf8') } },
      answer => { console.log('status', answer.statusCode); process.exit() })`
  const pod: Manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asks' },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: BASE_IMAGE, imagePullPolicy: 'Never', args: ['-e', script] }],
    },
  }
  await cluster.apply([pod])
  const said = await until(
    'the pod has asked',
    async () => (await plane.kubectl(['logs', 'asks'])).stdout.trim() || undefined,
    { signal, deadlineMs: WAIT_MS },
  )
  t.equal(said, 'status 200')
})

await t.test('a pod writes to its DRBD volume, and is moved without losing a record', async t => {
  await using collector = await openCollector(hostAddress('ctl'))
  const resource = await lab.setupResource({ resource: 'r0', nodes: ['n1', 'n2'] })
  const volume = { resource: resource.name, device: resource.device, nodes: resource.nodes }
  await cluster.apply(writerManifests({ name: 'writer', ...volume, collector: collector.address }))
  const first = await collector.nextAck(() => true, WAIT_MS)
  t.equal(first.node, 'n1', 'the first of the nodes with a replica is preferred')
  t.match(await lab.sh('n1', 'cat /proc/drbd'), /ro:Primary\/Secondary ds:UpToDate\/UpToDate/)

  const before = performance.now()
  await kubectl('cordon', 'n1')
  await kubectl('delete', 'pod', 'writer-0', '--wait=false')
  await collector.nextAck(ack => ack.node === 'n2', WAIT_MS)
  t.comment(`first record on n2 ${Math.round(performance.now() - before)} ms after the delete call`)
  t.same(attachments, ['attached n1', 'detached n1', 'attached n2'])
  t.match(await lab.sh('n2', 'cat /run/hawser-test/csi.jsonl'), /"promoted".*\n.*"mounted"/)

  const acks = [...collector.acks('r0')] // before the file is read: what was acknowledged by then must be in it
  const [file = ''] = (await lab.sh('n2', `sync; ls ${recordsPattern('writer')}`)).trim().split('\n')
  const { lost, secondWriters, acknowledged, details } = judge(
    acks,
    scanRecords(await lab.readFile('n2', file)),
  )
  t.same({ lost, secondWriters, details }, { lost: 0, secondWriters: 0, details: [] })
  t.ok(acknowledged > 20, `${acknowledged} records`)
  await kubectl('uncordon', 'n1')
})

await t.test('a node comes back by itself when its power does', async t => {
  await lab.powerCut('n1')
  const before = performance.now()
  await lab.boot(['n1'])
  await until(
    'the kubelet of n1 has written its new boot',
    async () => {
      const bootId = await kubectl('get', 'node', 'n1', '-o', 'jsonpath={.status.nodeInfo.bootID}')
      return bootId === (await lab.sh('n1', 'cat /proc/sys/kernel/random/boot_id')).trim() || undefined
    },
    { signal, deadlineMs: WAIT_MS },
  )
  await cluster.waitReady(['n1'])
  t.comment(`Ready again after ${Math.round(performance.now() - before)} ms`)
  t.pass()
})

await t.test(
  'Hawser runs from its own manifests: an agent on every node, the coordinator makes the members',
  async t => {
    await installHawser(cluster)
    await waitAgents(cluster, WAIT_MS, signal)
    for (const node of cluster.nodes) {
      t.match(
        await lab.until(node, STATUS, /"node"/, { deadlineMs: WAIT_MS }),
        new RegExp(`"node": ?"${node}"`),
      )
    }
    const members = await until(
      'the list of members',
      async () => {
        const args = [
          '-n',
          NAMESPACE,
          'get',
          'configmap',
          MEMBERS_CONFIGMAP,
          '-o',
          'jsonpath={.data.members\\.json}',
        ]
        return (await plane.kubectl(args)).stdout || undefined
      },
      { signal, deadlineMs: 2 * WAIT_MS },
    )
    const named = JSON.parse(members).members.map((member: { node: string }) => member.node)
    t.same(named.sort(), cluster.nodes)
    t.ok(await lab.until('n1', STATUS, /"armed":true/, { deadlineMs: WAIT_MS }), 'the watchdog is armed')
  },
)
