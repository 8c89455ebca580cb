/**
 * Stands in for kube-controller-manager and scheduler beside the embedded API server: StatefulSets of one pod, binding,
 * attach and detach. By the rules that matter for a failover, without Kubernetes' waiting times; docs say so on screen.
 */

import { CSI_DRIVER } from '#protocol/names.ts'
import type { Api, ApiObject } from '../../cluster/api.ts'
import {
  attachmentName,
  type CsiVolume,
  claimsOf,
  inUseName,
  inUseOf,
  isOpenForPods,
  isReady,
  isTerminating,
  nameOf,
  nodeNameOf,
  podOfSet,
  taintsOf,
  toAttachment,
  toCsiVolume,
} from './objects.ts'

const PATHS = {
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  volumes: '/api/v1/persistentvolumes',
  sets: '/apis/apps/v1/statefulsets',
  attachments: '/apis/storage.k8s.io/v1/volumeattachments',
} as const
type Kind = keyof typeof PATHS

export type World = Readonly<Record<Kind, ReadonlyMap<string, ApiObject>>>

/** One call that brings the world nearer to what it should be. */
export interface Step {
  readonly method: 'POST' | 'DELETE' | 'PATCH'
  readonly path: string
  readonly body?: object
  readonly patch?: 'merge-patch'
}

const TAINT_NOT_READY = 'node.kubernetes.io/not-ready'

const key = (object: ApiObject): string => `${object.metadata?.namespace ?? ''}/${nameOf(object)}`
const all = (objects: ReadonlyMap<string, ApiObject>): ApiObject[] => [...objects.values()]

/** What is due now. Pure; empty when there is nothing to do. */
export function planControllers(world: World): Step[] {
  return [...planNodes(world), ...planSets(world), ...planBindings(world), ...planAttachments(world)]
}

/** A new node is closed for pods until its kubelet has said that it is ready. */
function planNodes({ nodes }: World): Step[] {
  return all(nodes).flatMap(node => {
    const taints = taintsOf(node)
    const left = taints.filter(taint => taint.key !== TAINT_NOT_READY)
    if (!isReady(node) || left.length === taints.length) return []
    // With the version: an agent may be changing the taints at the same moment.
    const metadata = { resourceVersion: node.metadata?.resourceVersion }
    const body = { metadata, spec: { taints: left } }
    return [
      {
        method: 'PATCH' as const,
        path: `${PATHS.nodes}/${nameOf(node)}`,
        patch: 'merge-patch' as const,
        body,
      },
    ]
  })
}

function planSets({ sets, pods }: World): Step[] {
  return all(sets).flatMap(set => {
    const namespace = set.metadata?.namespace ?? ''
    if (isTerminating(set) || pods.has(`${namespace}/${nameOf(set)}-0`)) return []
    return [{ method: 'POST' as const, path: `/api/v1/namespaces/${namespace}/pods`, body: podOfSet(set) }]
  })
}

function volumesOf(pod: ApiObject, { volumes }: World): CsiVolume[] {
  const claims = claimsOf(pod)
  return all(volumes).flatMap(each => {
    const volume = toCsiVolume(each)
    return volume !== undefined && claims.includes(volume.claim) ? [volume] : []
  })
}

function planBindings(world: World): Step[] {
  return all(world.pods).flatMap(pod => {
    if (nodeNameOf(pod) !== undefined || isTerminating(pod)) return []
    const [volume] = volumesOf(pod, world)
    const node = volume?.nodes.find(name => {
      const found = world.nodes.get(`/${name}`)
      return found !== undefined && isOpenForPods(found)
    })
    if (node === undefined) return []
    const target = { apiVersion: 'v1', kind: 'Node', name: node }
    const path = `/api/v1/namespaces/${pod.metadata?.namespace}/pods/${nameOf(pod)}/binding`
    return [
      {
        method: 'POST' as const,
        path,
        body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: nameOf(pod) }, target },
      },
    ]
  })
}

function planAttachments(world: World): Step[] {
  const attachments = all(world.attachments).map(toAttachment)
  const wanted = all(world.pods).flatMap(pod => {
    const node = nodeNameOf(pod)
    return node === undefined ? [] : volumesOf(pod, world).map(volume => ({ volume, node }))
  })
  const made = wanted.flatMap(({ volume, node }): Step[] => {
    const here = attachments.some(each => each.volume === volume.name && each.node === node)
    // A volume for one node at a time: elsewhere it must be gone first.
    const elsewhere = attachments.some(each => each.volume === volume.name && each.node !== node)
    if (here || elsewhere) return []
    const spec = { attacher: CSI_DRIVER, nodeName: node, source: { persistentVolumeName: volume.name } }
    const body = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: attachmentName(volume.handle, node) },
      spec,
    }
    return [{ method: 'POST', path: PATHS.attachments, body }]
  })
  const handles = new Map(all(world.volumes).map(each => [nameOf(each), toCsiVolume(each)?.handle ?? '']))
  const dropped = attachments.flatMap((attachment): Step[] => {
    const stillWanted = wanted.some(
      each => each.volume.name === attachment.volume && each.node === attachment.node,
    )
    const node = world.nodes.get(`/${attachment.node}`)
    // The kubelet says that it has the volume: detaching waits for it, for ever (Kubernetes: six minutes).
    const inUse =
      node !== undefined && inUseOf(node).includes(inUseName(handles.get(attachment.volume) ?? ''))
    if (stillWanted || inUse || attachment.terminating) return []
    return [{ method: 'DELETE', path: `${PATHS.attachments}/${attachment.name}` }]
  })
  return [...dropped, ...made]
}

const RETRY_MS = 500

/** Works until the signal ends it. `onChange` is told of every change of an object, after it has been taken in. */
export async function runControllers(
  api: Api,
  onChange: (kind: Kind, change: 'ADDED' | 'MODIFIED' | 'DELETED', object: ApiObject) => void,
  signal: AbortSignal,
): Promise<void> {
  const world = Object.fromEntries(Object.keys(PATHS).map(kind => [kind, new Map()])) as Record<
    Kind,
    Map<string, ApiObject>
  >
  let working = false
  let again = false
  const work = async (): Promise<void> => {
    again = true
    if (working) return
    working = true
    while (again && !signal.aborted) {
      again = false
      for (const step of planControllers(world)) {
        const answer = await api.call(step).catch(() => undefined)
        // Somebody was quicker, or the server is away: whatever changes brings us back here.
        if (answer === undefined || answer.status >= 500) setTimeout(() => void work(), RETRY_MS)
      }
    }
    working = false
  }
  const follow = (kind: Kind): Promise<void> =>
    api.watch(
      PATHS[kind],
      (change, object) => {
        if (change === 'DELETED') world[kind].delete(key(object))
        else world[kind].set(key(object), object)
        onChange(kind, change, object)
        void work()
      },
      signal,
    )
  await Promise.all((Object.keys(PATHS) as Kind[]).map(follow))
}
