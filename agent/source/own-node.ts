/** Looks at our own Node object for taints that others have set: often after a start, rarely afterwards. */
import type { Clock } from '#kit/clock.ts'
import type { Log } from '#kit/log.ts'
import { NodeObject } from '../kube/objects.ts'
import { readOne } from '../kube/read.ts'
import type { Kube } from '../kube/request.ts'
import type { ClusterEvent } from '../state/events.ts'

/** Others may still be at work on our last boot when this one begins. */
const AFTER_START_MS = [0, 2000, 5000, 10_000, 20_000, 60_000] as const
const RARELY_MS = 300_000
const RETRY_MS = 3000

/** Ends with the signal. */
export async function watchOwnNode(
  ports: {
    readonly kube: Kube
    readonly node: string
    readonly clock: Clock
    readonly log: Log
    readonly post: (event: ClusterEvent) => void
  },
  signal: AbortSignal,
): Promise<void> {
  for (let look = 0; !signal.aborted; ) {
    const waitMs = AFTER_START_MS[look] ?? RARELY_MS
    await ports.clock.sleep(waitMs, signal).catch(() => undefined)
    if (signal.aborted) return
    try {
      await seeOwnNode(ports, signal)
      look += 1
    } catch (error) {
      ports.log.debug({ err: error }, 'our Node object cannot be read')
      await ports.clock.sleep(RETRY_MS, signal).catch(() => undefined)
    }
  }
}

export async function seeOwnNode(
  {
    kube,
    node,
    post,
  }: { readonly kube: Kube; readonly node: string; readonly post: (event: ClusterEvent) => void },
  signal: AbortSignal,
): Promise<void> {
  const found = await readOne(kube, `/api/v1/nodes/${node}`, NodeObject, signal)
  const taints = (found?.spec?.taints ?? []).map(({ key, value, effect }) => ({
    key,
    value: value ?? '',
    effect,
  }))
  post({ kind: 'own-node-seen', taints })
}
