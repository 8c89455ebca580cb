/** A real Kubernetes cluster on the lab's kernels: control plane, guests as nodes, CSI plugin and attacher for DRBD volumes. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { type AttachmentStep, runAttacher } from '../csi/attacher.ts'
import { ownerPid } from '../lab/inside.ts'
import { type Lab, openLab } from '../lab/lab.ts'
import { type LabNode, nodeAddress, nodeIndex, nodesUpTo } from '../lab/layout.ts'
import type { LabOptions } from '../lab/options.ts'
import { clearStateDir, newStateDir } from '../lab/state-dir.ts'
import { type Api, openApi } from './api.ts'
import { findBinary } from './binary.ts'
import { type Authority, openAuthority } from './certificates.ts'
import { type ControlPlane, openControlPlane } from './control-plane.ts'
import { CLUSTER_HOOK, guestView } from './guest-view.ts'
import { baseImages, writeAppArchive } from './images.ts'
import { csiManifests, type Manifest, manifestList } from './manifests.ts'
import { apiUrlInLab, writeNodeConfig } from './node-config.ts'
import { waitNodesReady } from './node-ready.ts'
import { mustRun } from './program.ts'
import { findTemplate } from './template.ts'

export interface ClusterOptions {
  /** How many nodes, n1…n9; 3 unless told. */
  readonly nodes?: number
  readonly say?: (line: string) => void
  /** More for the lab; `memory` is 640M and `disks` (empty ones, for volumes) 1 unless told. A hook runs before the node's own. */
  readonly lab?: Omit<LabOptions, 'nodes' | 'images'>
  /** Seconds until a silent node counts as NotReady; Kubernetes' own default unless told. */
  readonly nodeGraceSeconds?: number
  readonly onAttachment?: (step: AttachmentStep) => void
}

export interface Cluster extends AsyncDisposable {
  readonly lab: Lab
  readonly plane: ControlPlane
  readonly api: Api
  readonly nodes: readonly LabNode[]
  /** A node that was halted or lost its power is a node of the cluster again after `lab.boot`; this waits for it. */
  waitReady(nodes: readonly LabNode[], deadlineMs?: number): Promise<void>
  apply(manifests: readonly Manifest[]): Promise<void>
}

const READY_MS = 120_000

/** The caller lives inside the lab's namespaces (`enterLab`). Ends when all nodes are Ready and know the CSI driver. */
export async function openCluster(options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
  const say = options.say ?? (() => {})
  const nodes = nodesUpTo(options.nodes ?? 3)
  const kubehost = await findBinary(say, signal)
  const base = await baseImages(signal)
  const template = await findTemplate(base, kubehost, say, signal)

  await using stack = new AsyncDisposableStack()
  const stateDir = options.lab?.stateDir ?? newStateDir(ownerPid())
  if (options.lab?.stateDir === undefined) stack.defer(() => clearStateDir(stateDir))
  const dir = join(stateDir, 'cluster')
  await mkdir(dir, { recursive: true })
  const authority = await openAuthority(join(dir, 'pki'), signal)
  await Promise.all([
    writeAppArchive(join(dir, 'apps.tar'), base, signal),
    writeNodeConfigs(authority, nodes, dir),
  ])

  const lab = stack.use(
    await openLab({ ...labOptions(options, { dir, kubehost, template }), stateDir, boot: false }, signal),
  )
  await openServiceNetwork(nodes, signal)
  const booting = lab.boot()
  booting.catch(() => {}) // reported below: the control plane must be taken over first
  const grace = options.nodeGraceSeconds
  const plane = stack.use(
    await openControlPlane(
      {
        kubehost,
        dir: join(dir, 'control-plane'),
        authority,
        inLab: true,
        ...(grace === undefined ? {} : { nodeGraceSeconds: grace }),
      },
      signal,
    ),
  )
  say('control plane healthy')
  const api = stack.use(openApi(plane))
  const attaching = new AbortController()
  const attacher = runAttacher(api, options.onAttachment ?? (() => {}), attaching.signal)
  stack.defer(async () => {
    attaching.abort()
    await attacher
  })
  const apply = async (manifests: readonly Manifest[]) => {
    const result = await plane.kubectl(['apply', '-f', '-'], { input: manifestList(manifests) })
    if (result.status !== 0)
      throw new AppError('API_REFUSED', 'objects were refused', { stderr: result.stderr.slice(0, 600) })
  }
  await apply(csiManifests())
  await booting
  say('guests booted')
  const waitReady = (wanted: readonly LabNode[], deadlineMs = READY_MS) =>
    waitNodesReady({ lab, api, nodes: wanted, deadlineMs }, signal)
  await waitReady(nodes)
  say(`${nodes.length} nodes Ready`)

  const all = stack.move()
  return { lab, plane, api, nodes, waitReady, apply, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

function labOptions(
  options: ClusterOptions,
  made: { dir: string; kubehost: string; template: string },
): LabOptions {
  const { nodes = 3, lab = {} } = options
  const { disks = 1, memory = '640M' } = lab
  const view = guestView({ stateDir: made.dir, kubehost: made.kubehost, emptyDisks: disks })
  return {
    ...lab,
    nodes,
    disks,
    memory,
    images: [made.template],
    mounts: { ...lab.mounts, ...view.mounts },
    settings: {
      ...lab.settings,
      ...view.settings,
      ...(lab.hook === undefined ? {} : { cluster_also: lab.hook }),
    },
    hook: CLUSTER_HOOK,
  }
}

async function writeNodeConfigs(authority: Authority, nodes: readonly LabNode[], dir: string): Promise<void> {
  await Promise.all(
    nodes.map(node =>
      writeNodeConfig(authority, { node, serverUrl: apiUrlInLab(), dir: join(dir, 'nodes', node) }),
    ),
  )
}

/** Routes to the pods, and the address of the service `kubernetes`: without kube-proxy the API server answers there itself. */
async function openServiceNetwork(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  const lines = ['address add 10.96.0.1/32 dev lo']
  for (const node of nodes)
    lines.push(`route add 10.244.${nodeIndex(node)}.0/24 via ${nodeAddress(node, 'mgmt')}`)
  await mustRun(['ip', '-batch', '-'], { signal, deadlineMs: 10_000, input: `${lines.join('\n')}\n` })
}
