/** One pod on this node from its assignment to its end: attach, mount, start; stop, unmount, delete. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeHost } from '../../csi/host.ts'
import { publish, unpublish, type VolumeStep } from '../../csi/volume.ts'
import { at, isObject, type Json, type KubeObject, listAt, textAt } from '../api/json.ts'
import type { ControlClient } from '../control/client.ts'
import { boundVolume, csiOf, type Lookup } from '../control/pod-volumes.ts'
import { type Mount, type RunningContainer, restarts, type StartContainer } from './container.ts'
import type { NodeReport } from './node-report.ts'
import { type ContainerSeen, podStatus } from './pod-status.ts'
import type { Turns } from './turns.ts'

export interface KubeletParts {
  readonly client: ControlClient
  readonly report: NodeReport
  readonly host: NodeHost
  readonly start: StartContainer
  /** Folders of the node that stand in for what is in the image. */
  readonly imageMounts: readonly Mount[]
  readonly address: string
  readonly turns: Turns
  /** Everything of pods lies below it. */
  readonly rootDir: string
  readonly note: (step: VolumeStep['step'], volume: string, error?: string) => void
}

interface Published {
  readonly volume: string
  readonly unique: string
  readonly targetPath: string
}

const LOOK_MS = 100
const RETRY_MS = 500
const MAX_RETRY_MS = 10_000

export class PodWorker {
  readonly #parts: KubeletParts
  readonly #pod: KubeObject
  readonly #stop = new AbortController()
  readonly #seen = new Map<string, ContainerSeen>()
  readonly #containers = new Map<string, RunningContainer>()
  readonly #published: Published[] = []
  readonly #running: Promise<void>
  #ending: Promise<void> | undefined

  constructor(parts: KubeletParts, pod: KubeObject) {
    this.#parts = parts
    this.#pod = pod
    this.#running = this.#run().catch(() => {})
  }

  /** Ends the pod here; true of `asked`: the API server waits for the word that it is gone. May be repeated. */
  end(graceS: number, asked: boolean): Promise<void> {
    this.#ending ??= this.#end(graceS, asked)
    return this.#ending
  }

  /** Only the processes, at once: the kubelet itself ends. */
  async kill(): Promise<void> {
    this.#stop.abort()
    await Promise.all(Array.from(this.#containers.values(), container => container.stop(0)))
  }

  async #run(): Promise<void> {
    await this.#say()
    const mounts = await this.#persist('volumes', () => this.#publishAll())
    const containers = listAt(this.#pod, 'spec', 'containers')
    await Promise.all(
      containers.map(container =>
        this.#keep(container, [...this.#parts.imageMounts, ...mountsOf(container, mounts)]),
      ),
    )
  }

  /** Again and again, with longer and longer pauses, until it succeeds or the pod ends. */
  async #persist<T>(what: string, act: () => Promise<T>): Promise<T> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      this.#stop.signal.throwIfAborted()
      try {
        return await act()
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        this.#parts.note('failed', `${this.#pod.metadata.name} ${what}`, String(error))
        await sleep(waitMs, undefined, { signal: this.#stop.signal })
      }
    }
  }

  async #publishAll(): Promise<Map<string, string>> {
    const mounts = new Map<string, string>()
    for (const volume of listAt(this.#pod, 'spec', 'volumes')) {
      const source = await this.#sourceOf(volume)
      if (source !== undefined) mounts.set(textAt(volume, 'name') ?? '', source)
    }
    return mounts
  }

  /** The folder that holds the volume, once it is there; undefined: a kind of volume that is left out. */
  async #sourceOf(volume: Json): Promise<string | undefined> {
    const hostPath = textAt(volume, 'hostPath', 'path')
    if (hostPath !== undefined) return hostPath
    const claim = textAt(volume, 'persistentVolumeClaim', 'claimName')
    const folder = `${this.#parts.rootDir}/pods/${this.#pod.metadata.uid}/volumes`
    if (claim !== undefined) return await this.#publishClaim(claim, folder)
    if (!isObject(at(volume, 'emptyDir'))) return undefined
    const path = `${folder}/kubernetes.io~empty-dir/${textAt(volume, 'name')}`
    await this.#parts.host.run(['mkdir', '-p', path], 10_000, this.#stop.signal)
    return path
  }

  async #publishClaim(claimName: string, folder: string): Promise<string> {
    const { client, report, host, note, turns } = this.#parts
    const { namespace = 'default' } = this.#pod.metadata
    const read = async (path: string): Promise<KubeObject | undefined> => {
      const { status, body } = await client.call({ method: 'GET', path })
      return status === 200 ? body : undefined
    }
    const claim = await read(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claimName}`)
    const pvName = textAt(claim, 'spec', 'volumeName') ?? ''
    const pv = await read(`/api/v1/persistentvolumes/${pvName}`)
    const lookup: Lookup = { get: collection => (collection === 'volumes' ? pv : claim) }
    const bound = claim === undefined ? undefined : boundVolume(claim, lookup)
    const volume = bound === undefined ? undefined : csiOf(bound)
    if (bound === undefined || volume === undefined)
      throw new Error(`claim ${claimName} is not bound to a CSI volume`)

    // First the node says that it uses the volume, then the controller says that it is attached, then it is mounted.
    report.wantedInUse.add(volume.unique)
    while (!report.mayMount(volume.unique)) await sleep(LOOK_MS, undefined, { signal: this.#stop.signal })
    const targetPath = `${folder}/kubernetes.io~csi/${pvName}/mount`
    const attributes = at(bound, 'spec', 'csi', 'volumeAttributes')
    const context = Object.fromEntries(
      Object.entries(isObject(attributes) ? attributes : {}).map(([key, value]) => [key, String(value)]),
    )
    const mount = {
      fsType: textAt(bound, 'spec', 'csi', 'fsType') ?? 'ext4',
      flags: listAt(bound, 'spec', 'mountOptions').map(String),
    }
    this.#published.push({ volume: volume.handle, unique: volume.unique, targetPath })
    const request = { volumeId: volume.handle, targetPath, mount, readonly: false, context }
    await turns.run(volume.handle, () => publish(host, request, note, this.#stop.signal))
    return targetPath
  }

  /** Starts the container, again after each end where the policy says so. */
  async #keep(container: Json, mounts: readonly Mount[]): Promise<void> {
    const name = textAt(container, 'name') ?? ''
    const logs = `${this.#parts.rootDir}/logs/${this.#pod.metadata.namespace}_${this.#pod.metadata.name}`
    for (let restartCount = 0; !this.#stop.signal.aborted; restartCount++) {
      const running = this.#parts.start(this.#pod, container, mounts, logs)
      this.#containers.set(name, running)
      const before = this.#seen.get(name)
      this.#seen.set(name, {
        restartCount,
        startedAt: running.startedAt,
        lastExit: before?.lastExit,
        waiting: undefined,
      })
      await this.#say()
      const { exitCode } = await running.ended
      const lastExit = { exitCode, finishedAt: new Date() }
      this.#seen.set(name, { restartCount, startedAt: undefined, lastExit, waiting: 'CrashLoopBackOff' })
      await this.#say()
      if (!restarts(this.#pod)) return
      await sleep(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** restartCount), undefined, {
        signal: this.#stop.signal,
      })
    }
  }

  async #say(): Promise<void> {
    const { metadata } = this.#pod
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`
    const body = {
      metadata: { uid: metadata.uid },
      status: podStatus(this.#pod, this.#parts.address, this.#seen),
    }
    // A kubelet that cannot reach the API server keeps its pods running.
    await this.#parts.client
      .call({ method: 'PATCH', path, body, patch: 'strategic-merge-patch' })
      .catch(() => {})
  }

  async #end(graceS: number, asked: boolean): Promise<void> {
    this.#stop.abort()
    await Promise.all(Array.from(this.#containers.values(), container => container.stop(graceS * 1_000)))
    await this.#running
    for (const published of this.#published) await this.#takeBack(published)
    if (asked) await this.#confirm()
  }

  async #takeBack({ volume, unique, targetPath }: Published): Promise<void> {
    const { host, note, report, turns } = this.#parts
    const signal = new AbortController().signal
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      try {
        await turns.run(volume, () => unpublish(host, { volumeId: volume, targetPath }, note, signal))
        report.wantedInUse.delete(unique)
        return
      } catch (error) {
        note('failed', volume, String(error))
        await sleep(waitMs)
      }
    }
  }

  async #confirm(): Promise<void> {
    const { metadata } = this.#pod
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
    const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }
    for (;;) {
      const answer = await this.#parts.client.call({ method: 'DELETE', path, body }).catch(() => undefined)
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return
      await sleep(RETRY_MS)
    }
  }
}

function mountsOf(container: Json, sources: ReadonlyMap<string, string>): Mount[] {
  return listAt(container, 'volumeMounts').flatMap(each => {
    const source = sources.get(textAt(each, 'name') ?? '')
    const target = textAt(each, 'mountPath')
    return source === undefined || target === undefined ? [] : [{ source, target }]
  })
}
