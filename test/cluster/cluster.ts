/** A real Kubernetes cluster on the lab's kernels: control plane, guests as nodes, CSI plugin and attacher for DRBD volumes. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { CSI_DRIVER } from '#protocol/names.ts'
import { type AttachmentStep, runAttacher } from '../csi/attacher.ts'
import { type Api, type ApiObject, openApi } from './api.ts'
import { findBinary } from './binary.ts'
import { type ControlPlane, openControlPlane } from './control-plane.ts'
import { numberOf, prepareNode, startKubelet } from './guest-node.ts'
import { baseImages, writeAppArchive } from './images.ts'
import type { ClusterLab, OpenClusterLab } from './lab-port.ts'
import { csiManifests, type Manifest, manifestList } from './manifests.ts'
import { writeNodeConfig } from './node-config.ts'
import { mustRun } from './program.ts'
import { copySparse, findTemplate } from './template.ts'
import { until } from './until.ts'

export interface ClusterOptions {
  /** How many nodes, n1…n9. */
  readonly nodes: number
  /** A folder of its own: certificates, logs, archives. */
  readonly dir: string
  readonly say: (line: string) => void
  readonly openLab: OpenClusterLab
  readonly memoryMib?: number
  /** Seconds until a silent node counts as NotReady; Kubernetes' own default unless told. */
  readonly nodeGraceSeconds?: number
  readonly onAttachment?: (step: AttachmentStep) => void
}

export interface Cluster extends AsyncDisposable {
  readonly lab: ClusterLab
  readonly plane: ControlPlane
  readonly api: Api
  readonly nodes: readonly string[]
  /** Boots a node (again) and makes it a node of the cluster; it need not be Ready at the end. */
  startNode(node: string): Promise<void>
  /** Ready, with the CSI driver registered: pods with volumes can run there. */
  waitReady(nodes: readonly string[], deadlineMs?: number): Promise<void>
  apply(manifests: readonly Manifest[]): Promise<void>
}

const READY_MS = 120_000

export async function openCluster(options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
  const { dir, say } = options
  const nodes = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`)
  await mkdir(dir, { recursive: true })
  const kubehost = await findBinary(say, signal)
  const base = await baseImages(signal)
  const template = await findTemplate(base, options.openLab, say, signal)
  const archive = join(dir, 'apps.tar')
  await writeAppArchive(archive, base, signal)

  await using stack = new AsyncDisposableStack()
  const lab = stack.use(await options.openLab({ nodes, memoryMib: options.memoryMib ?? 640 }, signal))
  await openServiceNetwork(lab, signal)
  const planeWanted = openControlPlane(
    {
      kubehost,
      dir: join(dir, 'control-plane'),
      lab,
      ...(options.nodeGraceSeconds === undefined ? {} : { nodeGraceSeconds: options.nodeGraceSeconds }),
    },
    signal,
  )
  const booted = Promise.all(
    nodes.map(async node => {
      await copySparse(template, lab.containerDisk(node), signal)
      await lab.boot(node)
    }),
  )
  booted.catch(() => {}) // reported below, after the control plane has been taken over
  const plane = stack.use(await planeWanted)
  const config = (node: string) => join(dir, 'nodes', node)
  await Promise.all(
    nodes.map(node =>
      writeNodeConfig(plane.authority, { number: numberOf(node), serverUrl: plane.url, dir: config(node) }),
    ),
  )
  await booted
  say('control plane healthy, guests booted')

  const api = stack.use(openApi(plane))
  const attaching = new AbortController()
  const attacher = runAttacher(api, options.onAttachment ?? (() => {}), attaching.signal)
  stack.defer(async () => {
    attaching.abort()
    await attacher
  })
  const joinCluster = async (node: string) => {
    await prepareNode(lab, { node, config: config(node) }, [archive])
    await startKubelet(lab, { node, config: config(node) }, kubehost)
  }
  const apply = async (manifests: readonly Manifest[]) => {
    const result = await plane.kubectl(['apply', '-f', '-'], { input: manifestList(manifests) })
    if (result.status !== 0)
      throw new AppError('API_REFUSED', 'objects were refused', { stderr: result.stderr.slice(0, 600) })
  }
  await Promise.all([apply(csiManifests()), ...nodes.map(joinCluster)])
  const waitReady = async (wanted: readonly string[], deadlineMs = READY_MS) => {
    await until(`nodes ${wanted.join(' ')} Ready with the CSI driver`, () => readyNodes(api, wanted), {
      signal,
      deadlineMs,
    })
  }
  await waitReady(nodes)
  say(`${nodes.length} nodes Ready`)

  const all = stack.move()
  return {
    lab,
    plane,
    api,
    nodes,
    waitReady,
    apply,
    async startNode(node) {
      await lab.boot(node)
      await joinCluster(node)
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Routes to the pods, and the address of the service `kubernetes`: without kube-proxy the API server answers there itself. */
async function openServiceNetwork(lab: ClusterLab, signal: AbortSignal): Promise<void> {
  const ip = (...args: string[]) => mustRun(lab.inNet(['ip', ...args]), { signal, deadlineMs: 10_000 })
  await ip('address', 'add', '10.96.0.1/32', 'dev', 'lo')
  for (const node of lab.nodes)
    await ip('route', 'add', `10.244.${numberOf(node)}.0/24`, 'via', `10.99.0.1${numberOf(node)}`)
}

async function readyNodes(api: Api, wanted: readonly string[]): Promise<true | undefined> {
  const [nodes, drivers] = await Promise.all([
    api.call({ method: 'GET', path: '/api/v1/nodes' }),
    api.call({ method: 'GET', path: '/apis/storage.k8s.io/v1/csinodes' }),
  ])
  const isReady = (node: ApiObject) => {
    const conditions = (node.status?.['conditions'] ?? []) as { type: string; status: string }[]
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  }
  const hasDriver = (node: ApiObject) => {
    const known = (node.spec?.['drivers'] ?? []) as { name: string }[]
    return known.some(({ name }) => name === CSI_DRIVER)
  }
  const names = (objects: readonly ApiObject[] = []) => objects.map(object => object.metadata?.name)
  const ready = names(nodes.body.items?.filter(isReady))
  const served = names(drivers.body.items?.filter(hasDriver))
  return wanted.every(node => ready.includes(node) && served.includes(node)) || undefined
}
