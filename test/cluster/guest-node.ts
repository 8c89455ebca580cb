/** Makes a booted guest a Kubernetes node, by `guest/node.sh` in it. */
import { basename, dirname, join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { type ClusterLab, CONTAINER_DEVICE } from './lab-port.ts'

const STEP_MS = 120_000

export interface GuestNodeWanted {
  readonly node: string
  /** Folder of node-config.ts for this node. */
  readonly config: string
}

/** Kernel surroundings, container disk, containerd, and the images of the archives. */
export async function prepareNode(
  lab: ClusterLab,
  { node, config }: GuestNodeWanted,
  archives: readonly string[],
): Promise<void> {
  await runNodeScript(lab, node, config, archives, inside => [
    'prepare',
    String(numberOf(node)),
    ...archives.map(inside),
  ])
}

export async function startKubelet(
  lab: ClusterLab,
  { node, config }: GuestNodeWanted,
  kubehost: string,
): Promise<void> {
  await runNodeScript(lab, node, config, [kubehost], inside => [
    'kubelet',
    String(numberOf(node)),
    inside(kubehost),
  ])
}

/** Only puts images on the container disk and leaves it clean: the making of a template. */
export async function importImages(
  lab: ClusterLab,
  { node, config }: GuestNodeWanted,
  archives: readonly string[],
): Promise<void> {
  await runNodeScript(lab, node, config, archives, inside => ['import', ...archives.map(inside)])
}

export function numberOf(node: string): number {
  return Number(node.slice(1))
}

/**
 * The guest's root shows this machine's files, but not below /tmp and other places where it has its own: so every folder
 * that is needed is mounted for itself.
 */
async function runNodeScript(
  lab: ClusterLab,
  node: string,
  config: string,
  files: readonly string[],
  args: (inside: (file: string) => string) => string[],
): Promise<void> {
  const mounts = new Map<string, string>()
  const mounted = (folder: string) => {
    if (!mounts.has(folder))
      mounts.set(folder, `/run/hawser-cluster/${mounts.size}-${basename(folder).replace(/[^\w.-]/g, '_')}`)
    return mounts.get(folder) ?? ''
  }
  const inside = (file: string) => `${mounted(dirname(file))}/${basename(file)}`
  const command = [inside(join(import.meta.dirname, 'guest/node.sh')), ...args(inside)]
  files.forEach(inside)
  const environment = [`CONFIG=${quote(mounted(config))}`, `DISK=${CONTAINER_DEVICE}`]
  const script = [
    'set -e',
    ...[...mounts].map(
      ([folder, point]) =>
        `mountpoint -q ${quote(point)} || { mkdir -p ${quote(point)}; mount -t hostfs -o ${quote(`ro,${folder}`)} hostfs ${quote(point)}; }`,
    ),
    [...environment, ...command.map(quote)].join(' '),
  ].join('\n')
  const result = await lab.exec(node, script, STEP_MS)
  if (result.status === 0) return
  const last = `${result.stderr}${result.stdout}`.trim().slice(-400)
  throw new AppError('LAB_FAILED', 'a guest could not be made a Kubernetes node', {
    node,
    status: result.status,
    last,
  })
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
