/** What the attach/detach controller believes: which volume is attached where, what nodes say is in use, what is at work. */
import { type KubeObject, listAt } from '../api/json.ts'
import type { CsiVolume } from './pod-volumes.ts'

export interface Attached {
  readonly volume: CsiVolume
  readonly node: string
  /** After a failed detach nobody knows; what is uncertain does not keep the volume from other nodes. */
  isConfirmed: boolean
  /** Told to the node in its status. */
  isReported: boolean
  detachAskedAtMs: number | undefined
}

interface Work {
  isRunning: boolean
  failures: number
  notBeforeMs: number
}

const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 122_000

export class AttachState {
  readonly #attached = new Map<string, Attached>()
  readonly #inUse = new Map<string, Set<string>>()
  readonly #nodeVersions = new Map<string, string>()
  readonly #work = new Map<string, Work>()

  all(): Attached[] {
    return [...this.#attached.values()]
  }

  get(volume: CsiVolume, node: string): Attached | undefined {
    return this.#attached.get(`${volume.unique} ${node}`)
  }

  /** New entries count as in use until the node says otherwise. */
  mark(volume: CsiVolume, node: string, isConfirmed: boolean): void {
    const key = `${volume.unique} ${node}`
    const known = this.#attached.get(key)
    const isReported = isConfirmed || (known?.isReported ?? false)
    this.#attached.set(key, {
      volume,
      node,
      isConfirmed,
      isReported,
      detachAskedAtMs: isConfirmed ? undefined : known?.detachAskedAtMs,
    })
    if (known === undefined) this.#usedBy(node).add(volume.unique)
  }

  forget({ volume, node }: Attached): void {
    this.#attached.delete(`${volume.unique} ${node}`)
  }

  /** Takes over what a node says, when it has said something new. */
  hear(node: KubeObject): void {
    const { name, resourceVersion } = node.metadata
    if (this.#nodeVersions.get(name) === resourceVersion) return
    this.#nodeVersions.set(name, resourceVersion)
    this.#inUse.set(name, new Set(listAt(node, 'status', 'volumesInUse').map(String)))
  }

  isInUse({ volume, node }: Attached): boolean {
    return this.#usedBy(node).has(volume.unique)
  }

  mayWork(unique: string): boolean {
    const work = this.#work.get(unique)
    return work === undefined || (!work.isRunning && performance.now() >= work.notBeforeMs)
  }

  /** Runs one operation of a volume; after a failure the next one waits, each time longer. */
  async work(unique: string, operation: () => Promise<void>): Promise<void> {
    const work = this.#work.get(unique) ?? { isRunning: false, failures: 0, notBeforeMs: 0 }
    this.#work.set(unique, { ...work, isRunning: true })
    try {
      await operation()
      this.#work.delete(unique)
    } catch {
      const waitMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** work.failures)
      this.#work.set(unique, {
        isRunning: false,
        failures: work.failures + 1,
        notBeforeMs: performance.now() + waitMs,
      })
    }
  }

  #usedBy(node: string): Set<string> {
    const used = this.#inUse.get(node) ?? new Set<string>()
    this.#inUse.set(node, used)
    return used
  }
}
