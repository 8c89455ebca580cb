/** Keeps the pods of StatefulSets: stable names, one after the other, made again when gone. */
import { at, isObject, type JsonObject, type KubeObject, listAt, textAt } from '../api/json.ts'
import { pathOf, within } from './paths.ts'
import { conditionOf, isTerminated } from './pod-volumes.ts'
import type { Controller, World } from './world.ts'

export const statefulSets: Controller = {
  name: 'StatefulSet controller',
  user: 'system:serviceaccount:kube-system:statefulset-controller',
  async sync(world) {
    for (const set of world.list('statefulSets')) await keep(world, set)
    return undefined
  },
}

function replicasOf(set: KubeObject): number {
  const replicas = at(set, 'spec', 'replicas')
  return set.metadata.deletionTimestamp !== undefined ? 0 : typeof replicas === 'number' ? replicas : 1
}

async function keep(world: World, set: KubeObject): Promise<void> {
  const { name, namespace = 'default', uid } = set.metadata
  const owned = world
    .list('pods')
    .filter(pod => pod.metadata.ownerReferences?.some(owner => owner.uid === uid))
  const isParallel = textAt(set, 'spec', 'podManagementPolicy') === 'Parallel'
  for (let ordinal = 0; ordinal < replicasOf(set); ordinal++) {
    const pod = owned.find(each => each.metadata.name === `${name}-${ordinal}`)
    if (pod === undefined) await create(world, set, namespace, ordinal)
    else if (isTerminated(pod) && pod.metadata.deletionTimestamp === undefined) await remove(world, pod)
    if (!isParallel && (pod === undefined || conditionOf(pod, 'Ready') !== 'True')) break
  }
  const surplus = owned.filter(
    pod => ordinalOf(pod) >= replicasOf(set) && pod.metadata.deletionTimestamp === undefined,
  )
  for (const pod of surplus) await remove(world, pod)
  await report(world, set, owned)
}

function ordinalOf(pod: KubeObject): number {
  return Number(pod.metadata.name.slice(pod.metadata.name.lastIndexOf('-') + 1))
}

async function remove(world: World, pod: KubeObject): Promise<void> {
  await world.client.call({
    method: 'DELETE',
    path: pathOf('pods', pod),
    body: { preconditions: { uid: pod.metadata.uid } },
  })
}

async function create(world: World, set: KubeObject, namespace: string, ordinal: number): Promise<void> {
  const { name, uid } = set.metadata
  const podName = `${name}-${ordinal}`
  const template = at(set, 'spec', 'template')
  const claims = listAt(set, 'spec', 'volumeClaimTemplates').filter(isObject)
  for (const claim of claims) await claimFor(world, namespace, podName, claim)
  const given = at(template, 'metadata', 'labels')
  const labels = {
    ...(isObject(given) ? given : {}),
    'statefulset.kubernetes.io/pod-name': podName,
    'apps.kubernetes.io/pod-index': String(ordinal),
  }
  const annotations = at(template, 'metadata', 'annotations')
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true, blockOwnerDeletion: true },
  ]
  const metadata = {
    name: podName,
    labels,
    ownerReferences,
    ...(isObject(annotations) ? { annotations } : {}),
  }
  const spec = at(template, 'spec')
  const volumes = [
    ...listAt(spec, 'volumes'),
    ...claims.map(claim => ({
      name: textAt(claim, 'metadata', 'name') ?? '',
      persistentVolumeClaim: { claimName: claimName(claim, podName) },
    })),
  ]
  const body = {
    metadata,
    spec: {
      ...(isObject(spec) ? spec : {}),
      hostname: podName,
      subdomain: textAt(set, 'spec', 'serviceName') ?? '',
      volumes,
    },
  }
  await world.client.call({ method: 'POST', path: within('pods', namespace), body })
}

function claimName(template: JsonObject, pod: string): string {
  return `${textAt(template, 'metadata', 'name')}-${pod}`
}

async function claimFor(world: World, namespace: string, pod: string, template: JsonObject): Promise<void> {
  const name = claimName(template, pod)
  if (world.get('claims', name, namespace) !== undefined) return
  const body = { metadata: { name }, spec: template['spec'] ?? {} }
  await world.client.call({ method: 'POST', path: within('claims', namespace), body })
}

async function report(world: World, set: KubeObject, pods: readonly KubeObject[]): Promise<void> {
  const readyReplicas = pods.filter(pod => conditionOf(pod, 'Ready') === 'True').length
  const status = { replicas: pods.length, readyReplicas, observedGeneration: set.metadata.generation ?? 1 }
  const isSame = Object.entries(status).every(([key, value]) => (at(set, 'status', key) ?? 0) === value)
  if (isSame) return
  await world.client.call({
    method: 'PATCH',
    path: `${pathOf('statefulSets', set)}/status`,
    body: { status },
    patch: 'merge-patch',
  })
}
