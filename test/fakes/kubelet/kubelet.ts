/** The stand-in kubelet: reports its node, runs the pods that are assigned to it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../api/json.ts'
import { Informer } from '../control/informer.ts'
import { isTerminated } from '../control/pod-volumes.ts'
import { type KubeletParts, PodWorker } from './pod-worker.ts'

export interface KubeletTimes {
  /** A kubelet writes its status every 10 s; volumes are mounted only after that. */
  readonly statusMs: number
  readonly leaseMs: number
  readonly leaseDurationS: number
}

/** Works until the signal ends it, then kills what it has started. */
export async function runKubelet(
  node: string,
  parts: KubeletParts,
  times: KubeletTimes,
  signal: AbortSignal,
): Promise<void> {
  const { client, report } = parts
  const workers = new Map<string, PodWorker>()
  const pods = new Informer(client, `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`, () => {
    if (pods.isSynced) settle(pods.list(), workers, parts)
  })
  await repeat(times.statusMs, () => report.register(), signal, true)
  await Promise.all([
    pods.run(signal),
    repeat(times.statusMs, () => report.writeStatus(), signal),
    repeat(times.leaseMs, () => report.renewLease(times.leaseDurationS), signal),
  ])
  await Promise.all([...workers.values()].map(worker => worker.kill()))
}

/** Failures are tried again at the next turn: the API server may be out of reach for long. */
async function repeat(
  everyMs: number,
  act: () => Promise<void>,
  signal: AbortSignal,
  once = false,
): Promise<void> {
  while (!signal.aborted) {
    const isDone = await act().then(
      () => true,
      () => false,
    )
    if (isDone && once) return
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}

/** Starts what is new, ends what is to end or has vanished. */
function settle(pods: readonly KubeObject[], workers: Map<string, PodWorker>, parts: KubeletParts): void {
  const here = new Map(pods.map(pod => [pod.metadata.uid, pod]))
  for (const [uid, pod] of here) {
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    const known = workers.get(uid)
    if (deletionTimestamp === undefined) {
      if (known === undefined && !isTerminated(pod)) workers.set(uid, new PodWorker(parts, pod))
      continue
    }
    // Also a pod that never ran here must be confirmed as gone.
    const worker = known ?? new PodWorker(parts, pod)
    workers.set(uid, worker)
    void worker.end(deletionGracePeriodSeconds ?? 0, true).then(() => workers.delete(uid))
  }
  for (const [uid, worker] of workers) {
    if (!here.has(uid)) void worker.end(FORCED_GRACE_S, false).then(() => workers.delete(uid))
  }
}

/** What is left to a pod that was deleted by force. */
const FORCED_GRACE_S = 2
