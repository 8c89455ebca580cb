/** What a lab can be asked for, and the defaults. */
import { AppError } from '#kit/errors.ts'
import { parseSize } from './disks.ts'
import { type LabNode, nodesUpTo } from './layout.ts'

export interface ResetEvent {
  readonly node: LabNode
  /** watchdog, sysrq, reboot, panic: …, or the console's last line. */
  readonly why: string
  readonly atMs: number
}

export interface LabOptions {
  /** 1 to 9, default 3. */
  readonly nodes?: number
  /** Of each guest, default 256M; a Kubernetes node needs 512M or more. */
  readonly memory?: string
  /** Empty disks /dev/ubda, ubdb, …; default 2. */
  readonly disks?: number
  /** Default 1G, sparse. */
  readonly diskSize?: string
  /** Images that each guest gets a copy of, as the disks after the empty ones (/dev/ubdc, … with two of these). */
  readonly images?: readonly string[]
  /** Default: a new folder under /var/tmp that goes with the lab. A given one is kept. No space in its path. */
  readonly stateDir?: string
  /** Folder of this machine that the guests see, read-only, as /app. */
  readonly app?: string
  /** More of them: path in the guest → folder of this machine. */
  readonly mounts?: Readonly<Record<string, string>>
  /** Program (path in the guest, say under a mount) that PID 1 runs before the guest counts as up. */
  readonly hook?: string
  /** Variables for the hook; also in /lab/boot/NODE of the guest. */
  readonly settings?: Readonly<Record<string, string>>
  /** Node of the guests, default: this process's own. */
  readonly nodeBinary?: string
  readonly kernelArgs?: readonly string[]
  /** Boot a guest again that reset itself; default true. */
  readonly rebootOnReset?: boolean
  /** How long the guest stays away after a reset, like a machine's firmware; default 0. */
  readonly resetBootDelayMs?: number
  readonly onReset?: (event: ResetEvent) => void
}

export type LabConfig = Required<Omit<LabOptions, 'stateDir' | 'app' | 'hook'>> & {
  readonly stateDir: string | undefined
  readonly hook: string | undefined
  readonly nodeNames: readonly LabNode[]
}

const DEFAULTS = {
  nodes: 3,
  memory: '256M',
  disks: 2,
  diskSize: '1G',
  images: [],
  mounts: {},
  settings: {},
  nodeBinary: process.execPath,
  kernelArgs: [],
  rebootOnReset: true,
  resetBootDelayMs: 0,
  onReset: () => {},
} satisfies Partial<LabOptions>

export function labConfig(options: LabOptions): LabConfig {
  const config = { ...DEFAULTS, stateDir: undefined, hook: undefined, ...options }
  const { nodes, disks, images, memory, diskSize } = config
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) refuse('a lab has 1 to 9 nodes', nodes)
  if (!Number.isInteger(disks) || disks < 1 || disks + images.length > 7)
    refuse('a guest has 1 to 7 disks', disks)
  for (const size of [memory, diskSize]) {
    if (!/^\d+[KMG]?$/.test(size)) refuse('a size is a number with K, M or G', size)
  }
  return {
    ...config,
    nodeNames: nodesUpTo(nodes),
    memory: String(parseSize(memory)),
    mounts: { ...config.mounts, ...(options.app === undefined ? {} : { '/app': options.app }) },
  }
}

function refuse(message: string, given: unknown): never {
  throw new AppError('ARGUMENT_INVALID', message, { given })
}
