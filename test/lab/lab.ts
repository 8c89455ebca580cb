/** The kernel lab: nodes with the real DRBD 8.4 on this machine, and what can go wrong with them. */
import { AppError } from '#kit/errors.ts'
import { makeEmptyDisk } from './disks.ts'
import { signalIn } from './exec-client.ts'
import { breakDisk, type DiskFault, emptyThinPool, fillThinPool, mendDisk } from './faults-disk.ts'
import { type NetShape, shapeNet, unshapeNet } from './faults-net.ts'
import { hangDrbdsetup, jumpClock, starveWatchdog, sysrqReset, unhangDrbdsetup } from './faults-system.ts'
import { isInsideLab } from './inside.ts'
import { LabCore } from './lab-core.ts'
import { type CuttableNet, diskDevice, type LabNode } from './layout.ts'
import { mconsole } from './mconsole.ts'
import { cutCable, cutPair, healCable, healPair, openNetwork } from './network.ts'
import type { LabOptions } from './options.ts'
import {
  bringUpResources,
  demote,
  promote,
  type Resource,
  type ResourceSpec,
  setupResource,
} from './storage.ts'

export class Lab extends LabCore {
  readonly #resources = new Map<string, ResourceSpec>()

  /* ---- network ---- */

  /** Unplugs one cable of a node; stays so over its reboots. */
  async cut(node: LabNode, net: CuttableNet): Promise<void> {
    await cutCable(node, net)
  }

  async heal(node: LabNode, net: CuttableNet): Promise<void> {
    await healCable(node, net)
  }

  /** Between these two only; both still reach everybody else. */
  async cutLink(a: LabNode, b: LabNode, net: CuttableNet = 'repl'): Promise<void> {
    await cutPair(a, b, net)
  }

  async healLink(a: LabNode, b: LabNode, net: CuttableNet = 'repl'): Promise<void> {
    await healPair(a, b, net)
  }

  /** Delay, loss, duplicates, reordering; gone with the guest's boot. */
  async shapeNet(node: LabNode, net: CuttableNet, shape: NetShape): Promise<void> {
    await shapeNet(this, node, net, shape)
  }

  async unshapeNet(node: LabNode, net: CuttableNet): Promise<void> {
    await unshapeNet(this, node, net)
  }

  /* ---- replicated volumes ---- */

  /** Volumes, resource, UpToDate on both, file system; Secondary on both at the end. */
  async setupResource(spec: ResourceSpec): Promise<Resource> {
    this.#resources.set(spec.resource, spec)
    return await setupResource(this, spec)
  }

  /** After a boot of the node: all its resources as they were. */
  async bringUpAgain(node: LabNode): Promise<void> {
    await bringUpResources(this, node, [...this.#resources.values()])
  }

  /** Primary and mounted at /mnt/RESOURCE. */
  async promote(node: LabNode, resource: string, deadlineMs = 30_000): Promise<void> {
    await promote(this, node, this.resource(resource), deadlineMs)
  }

  async demote(node: LabNode, resource: string): Promise<void> {
    await demote(this, node, this.resource(resource))
  }

  resource(name: string): ResourceSpec {
    const spec = this.#resources.get(name)
    if (!spec) throw new AppError('ARGUMENT_INVALID', 'no such resource was set up', { resource: name })
    return spec
  }

  /* ---- disks ---- */

  /** Lets the disk below a resource fail, stumble, crawl or hang. */
  async breakDisk(node: LabNode, resource: string, fault: DiskFault): Promise<void> {
    await breakDisk(this, node, this.resource(resource), fault)
  }

  /** The disk is well again, and attached again if DRBD had let go of it. */
  async mendDisk(node: LabNode, resource: string): Promise<void> {
    await mendDisk(this, node, this.resource(resource))
  }

  /** The pool of resources that were set up with `thinPoolMiB`. */
  async fillThinPool(node: LabNode): Promise<void> {
    await fillThinPool(this, node)
  }

  async emptyThinPool(node: LabNode): Promise<void> {
    await emptyThinPool(this, node)
  }

  /** A new empty disk in the running guest: ubd number `index`; resolves with its device. */
  async plugDisk(node: LabNode, index: number, size = '256M'): Promise<string> {
    const file = `${this.guests.folder(node)}/disk${index}`
    makeEmptyDisk(file, size)
    await mconsole(this.guests.mconsoleSocket(node), 'config', `ubd${index}=${file}`)
    this.guests.notePlugged(node, index, file)
    return diskDevice(index)
  }

  /** Refused by the kernel while the disk is in use. */
  async unplugDisk(node: LabNode, index: number): Promise<void> {
    await mconsole(this.guests.mconsoleSocket(node), 'remove', `ubd${index}`)
    this.guests.notePlugged(node, index, undefined)
  }

  /* ---- processes and the node as a whole ---- */

  /** All processes of the guest whose command line matches; resolves with their ids. */
  async killProcess(node: LabNode, pattern: RegExp, signal: NodeJS.Signals = 'SIGKILL'): Promise<number[]> {
    return await signalIn(node, pattern.source, signal)
  }

  async stopProcess(node: LabNode, pattern: RegExp): Promise<number[]> {
    return await signalIn(node, pattern.source, 'SIGSTOP')
  }

  async contProcess(node: LabNode, pattern: RegExp): Promise<number[]> {
    return await signalIn(node, pattern.source, 'SIGCONT')
  }

  /** The wall clock only. */
  async clockJump(node: LabNode, seconds: number): Promise<void> {
    await jumpClock(this, node, seconds)
  }

  /** From now on drbdsetup never answers. */
  async hungDrbdsetup(node: LabNode): Promise<void> {
    await hangDrbdsetup(this, node)
  }

  async unhungDrbdsetup(node: LabNode): Promise<void> {
    await unhangDrbdsetup(this, node)
  }

  /** The node resets itself at once, as by sysrq-b; booted again unless `rebootOnReset: false`. */
  async reset(node: LabNode): Promise<void> {
    await sysrqReset(this, node)
  }

  /** softdog is loaded with this margin, opened and not fed. */
  async starveWatchdog(node: LabNode, marginS: number): Promise<void> {
    await starveWatchdog(this, node, marginS)
  }
}

/** Makes the network and, unless `boot: false`, boots all nodes. The caller lives inside (see enterLab). */
export async function openLab(
  options: LabOptions & { readonly boot?: boolean },
  signal: AbortSignal,
): Promise<Lab> {
  if (!isInsideLab())
    throw new AppError('LAB_FAILED', 'a lab lives in its own namespaces: call enterLab() first')
  const lab = new Lab(options, signal)
  try {
    await openNetwork(lab.nodes)
    if (options.boot !== false) await lab.boot()
    return lab
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
}
