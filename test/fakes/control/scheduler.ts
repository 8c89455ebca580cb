/** Binds pods to nodes, as the scheduler does. */
import { type KubeObject, listAt, textAt, timestamp } from '../api/json.ts'
import { pathOf } from './paths.ts'
import { preference, whyNot } from './placement.ts'
import { isTerminated, volumesOf } from './pod-volumes.ts'
import type { Controller, World } from './world.ts'

/** A pod that fits nowhere is looked at again after every change, and at least this often. */
const AGAIN_MS = 5_000

export const scheduler: Controller = {
  name: 'scheduler',
  user: 'system:kube-scheduler',
  async sync(world) {
    const waiting = world.list('pods').filter(isWaiting)
    for (const pod of waiting) await schedule(world, pod)
    return waiting.length > 0 ? AGAIN_MS : undefined
  },
}

function isWaiting(pod: KubeObject): boolean {
  return (
    textAt(pod, 'spec', 'nodeName') === undefined &&
    pod.metadata.deletionTimestamp === undefined &&
    !isTerminated(pod)
  )
}

async function schedule(world: World, pod: KubeObject): Promise<void> {
  const volumes = volumesOf(pod, world)
  if (volumes === undefined) {
    await sayUnschedulable(world, pod, 'pod has unbound immediate PersistentVolumeClaims')
    return
  }
  const nodes = world.list('nodes')
  const reasons = nodes.map(node => whyNot(pod, node, volumes))
  const fitting = nodes.filter((_, i) => reasons[i] === undefined)
  const load = (node: KubeObject): number =>
    world.list('pods').filter(each => textAt(each, 'spec', 'nodeName') === node.metadata.name).length
  const [best] = fitting.sort(
    (a, b) =>
      preference(pod, b) - preference(pod, a) ||
      load(a) - load(b) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  )
  if (best === undefined) {
    const counted = [...new Set(reasons)].map(
      reason => `${reasons.filter(each => each === reason).length} ${reason}`,
    )
    await sayUnschedulable(world, pod, `0/${nodes.length} nodes are available: ${counted.join(', ')}.`)
    return
  }
  const { name, namespace, uid } = pod.metadata
  const target = { apiVersion: 'v1', kind: 'Node', name: best.metadata.name }
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target }
  await world.client.call({ method: 'POST', path: `${pathOf('pods', pod)}/binding`, body })
}

async function sayUnschedulable(world: World, pod: KubeObject, message: string): Promise<void> {
  const known = listAt(pod, 'status', 'conditions').find(each => textAt(each, 'type') === 'PodScheduled')
  if (textAt(known, 'message') === message) return
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastTransitionTime: timestamp(),
  }
  const body = { status: { conditions: [condition] } }
  await world.client.call({
    method: 'PATCH',
    path: `${pathOf('pods', pod)}/status`,
    body,
    patch: 'strategic-merge-patch',
  })
}
