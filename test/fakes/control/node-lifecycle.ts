/** Declares nodes unready that no longer report, taints them, and evicts what does not tolerate that. */
import { type Json, type KubeObject, listAt, textAt, timestamp } from '../api/json.ts'
import { pathOf } from './paths.ts'
import { staysFor } from './placement.ts'
import { conditionOf, isTerminated } from './pod-volumes.ts'
import type { Controller, World } from './world.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const EVERY_MS = 1_000

export interface NodeLifecycleOptions {
  /** Kubernetes 1.34 waits 50 s. */
  readonly graceMs: number
}

interface Heard {
  readonly mark: string
  readonly atMs: number
}

/** Time counts from when a change of the node's lease was seen here, whatever the node's own clock says. */
export function nodeLifecycle({ graceMs }: NodeLifecycleOptions): Controller {
  const heard = new Map<string, Heard>()
  const isSilent = (world: World, node: KubeObject): boolean => {
    const { name } = node.metadata
    const lease = world.get('leases', name, 'kube-node-lease')
    const ready = listAt(node, 'status', 'conditions').find(each => textAt(each, 'type') === 'Ready')
    const mark = `${textAt(lease, 'spec', 'renewTime')} ${textAt(ready, 'lastHeartbeatTime')}`
    const known = heard.get(name)
    if (known?.mark !== mark) heard.set(name, { mark, atMs: performance.now() })
    return performance.now() - (heard.get(name)?.atMs ?? 0) > graceMs
  }
  return {
    name: 'node lifecycle controller',
    user: 'system:serviceaccount:kube-system:node-controller',
    async sync(world) {
      for (const node of world.list('nodes')) {
        if (isSilent(world, node) && conditionOf(node, 'Ready') !== 'Unknown') await sayUnknown(world, node)
        else await setTaints(world, node)
      }
      for (const pod of world.list('pods')) await evict(world, pod)
      return EVERY_MS
    },
  }
}

async function sayUnknown(world: World, node: KubeObject): Promise<void> {
  const types = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']
  const conditions = types.map(type => ({
    type,
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: timestamp(),
  }))
  await world.client.call({
    method: 'PATCH',
    path: `${pathOf('nodes', node)}/status`,
    body: { status: { conditions } },
    patch: 'strategic-merge-patch',
  })
}

/** The taints that follow from Ready: none when True; not-ready when False; unreachable when Unknown. */
async function setTaints(world: World, node: KubeObject): Promise<void> {
  const ready = conditionOf(node, 'Ready')
  const key = ready === 'True' ? undefined : ready === 'Unknown' ? UNREACHABLE : NOT_READY
  const taints = listAt(node, 'spec', 'taints')
  const ours = taints.filter(taint => [NOT_READY, UNREACHABLE].includes(textAt(taint, 'key') ?? ''))
  const wanted =
    key === undefined
      ? []
      : ['NoSchedule', 'NoExecute'].map(
          effect =>
            ours.find(taint => textAt(taint, 'key') === key && textAt(taint, 'effect') === effect) ?? {
              key,
              effect,
              timeAdded: timestamp(),
            },
        )
  const isSame = ours.length === wanted.length && wanted.every(taint => ours.includes(taint))
  if (isSame) return
  const others = taints.filter(taint => !ours.includes(taint))
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: node.metadata.resourceVersion },
    { op: 'add', path: '/spec/taints', value: [...others, ...wanted] },
  ]
  await world.client.call({ method: 'PATCH', path: pathOf('nodes', node), body, patch: 'json-patch' })
}

function isDue(pod: KubeObject, taint: Json): boolean {
  const seconds = staysFor(pod, taint)
  if (seconds === undefined) return false
  const added = Date.parse(textAt(taint, 'timeAdded') ?? timestamp())
  return Date.now() >= added + seconds * 1_000
}

/** Deletes pods whose node has a NoExecute taint for longer than they tolerate. */
async function evict(world: World, pod: KubeObject): Promise<void> {
  const node = world.get('nodes', textAt(pod, 'spec', 'nodeName') ?? '')
  if (node === undefined || pod.metadata.deletionTimestamp !== undefined || isTerminated(pod)) return
  const taints = listAt(node, 'spec', 'taints').filter(taint => textAt(taint, 'effect') === 'NoExecute')
  if (!taints.some(taint => isDue(pod, taint))) return
  await world.client.call({
    method: 'DELETE',
    path: pathOf('pods', pod),
    body: { preconditions: { uid: pod.metadata.uid } },
  })
}
