/** Real nodes: Ready, a pod on a DRBD volume writes and is moved, the API is served to pods, a node comes back after a power cut. */
import { testSignal as signal, t } from '../lab/tap-inside.ts'
import { openCluster } from './cluster.ts'
import { BASE_IMAGE } from './images.ts'
import { type Manifest, MOUNT, writerManifests } from './manifests.ts'
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

async function kubectl(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await plane.kubectl(args)
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** The node on which the pod runs, once it does. */
function podOn(pod: string, ...nodes: string[]): Promise<string> {
  const path = '{.status.phase} {.status.containerStatuses[0].ready} {.spec.nodeName}'
  const ask = async () => {
    const { stdout } = await plane.kubectl(['get', 'pod', pod, '-o', `jsonpath=${path}`])
    const [phase, ready, node = ''] = stdout.split(' ')
    return phase === 'Running' && ready === 'true' && nodes.includes(node) ? node : undefined
  }
  return until(`pod ${pod} runs on ${nodes.join(' or ')}`, ask, { signal, deadlineMs: WAIT_MS })
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

await t.test('a pod writes to its DRBD volume, and is moved with everything it wrote', async t => {
  const resource = await lab.setupResource({ resource: 'r0', nodes: ['n1', 'n2'] })
  const write = `
    const { openSync, writeSync, fsyncSync } = require('node:fs')
    const file = openSync('${MOUNT}/lines', 'a')
    setInterval(() => { writeSync(file, process.env.NODE_NAME + '\\n'); fsyncSync(file) }, 100)
    process.on('SIGTERM', () => process.exit())`
  await cluster.apply(
    writerManifests({
      name: 'writer',
      resource: resource.name,
      device: resource.device,
      nodes: resource.nodes,
      args: ['-e', write],
    }),
  )
  t.equal(await podOn('writer-0', 'n1', 'n2'), 'n1', 'the first of the nodes with a replica is preferred')
  const file = '/var/lib/kubelet/pods/*/volumes/kubernetes.io~csi/writer/mount/lines'
  await lab.until('n1', `grep -c n1 ${file}`, /^[1-9]/, { deadlineMs: WAIT_MS })
  t.match(await lab.sh('n1', 'cat /proc/drbd'), /ro:Primary\/Secondary ds:UpToDate\/UpToDate/)

  const before = performance.now()
  await kubectl('cordon', 'n1')
  await kubectl('delete', 'pod', 'writer-0', '--wait=false')
  t.equal(await podOn('writer-0', 'n2'), 'n2')
  t.comment(`moved in ${Math.round(performance.now() - before)} ms`)
  await lab.until('n2', `grep -c n2 ${file}`, /^[1-9]/, { deadlineMs: WAIT_MS })
  t.match(await lab.sh('n2', `head -1 ${file}`), /n1/, 'what was written on n1 is there')
  t.same(attachments, ['attached n1', 'detached n1', 'attached n2'])
  const steps = await lab.sh('n2', 'cat /run/hawser-test/csi.jsonl')
  t.match(steps, /"promoted".*\n.*"mounted"/)
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
