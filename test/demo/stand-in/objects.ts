/** Readings of Kubernetes objects that the stand-ins of the controllers and the kubelet share. Pure. */
import { createHash } from 'node:crypto'
import { CSI_DRIVER } from '#protocol/names.ts'
import type { ApiObject } from '../../cluster/api.ts'

type Json = Readonly<Record<string, unknown>>

export const nameOf = (object: ApiObject): string => object.metadata?.name ?? ''
export const uidOf = (object: ApiObject): string => object.metadata?.uid ?? ''
export const nodeNameOf = (pod: ApiObject): string | undefined => pod.spec?.['nodeName'] as string | undefined
export const isTerminating = (object: ApiObject): boolean => object.metadata?.deletionTimestamp !== undefined

/** The claims of a pod, by name. */
export function claimsOf(pod: ApiObject): string[] {
  const volumes = (pod.spec?.['volumes'] ?? []) as { persistentVolumeClaim?: { claimName: string } }[]
  return volumes.flatMap(volume => volume.persistentVolumeClaim?.claimName ?? [])
}

export interface CsiVolume {
  readonly name: string
  readonly handle: string
  readonly device: string
  readonly fsType: string
  readonly claim: string
  /** Nodes with a copy; the pod prefers the first. */
  readonly nodes: readonly string[]
}

export function toCsiVolume(volume: ApiObject): CsiVolume | undefined {
  const csi = volume.spec?.['csi'] as
    | { volumeHandle: string; fsType?: string; volumeAttributes?: { device?: string } }
    | undefined
  if (csi === undefined) return undefined
  const affinity = volume.spec?.['nodeAffinity'] as
    | { required?: { nodeSelectorTerms?: { matchExpressions?: { values?: string[] }[] }[] } }
    | undefined
  return {
    name: nameOf(volume),
    handle: csi.volumeHandle,
    device: csi.volumeAttributes?.device ?? '',
    fsType: csi.fsType ?? 'ext4',
    claim: (volume.spec?.['claimRef'] as { name: string } | undefined)?.name ?? '',
    nodes: affinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.[0]?.values ?? [],
  }
}

/** As kube-controller-manager names it. */
export function attachmentName(handle: string, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${CSI_DRIVER}${node}`).digest('hex')}`
}

/** As the kubelet writes it into `status.volumesInUse`. */
export const inUseName = (handle: string): string => `kubernetes.io/csi/${CSI_DRIVER}^${handle}`

export interface Attachment {
  readonly name: string
  readonly node: string
  readonly volume: string
  readonly attached: boolean
  readonly terminating: boolean
}

export function toAttachment(object: ApiObject): Attachment {
  const source = object.spec?.['source'] as { persistentVolumeName?: string } | undefined
  return {
    name: nameOf(object),
    node: String(object.spec?.['nodeName'] ?? ''),
    volume: source?.persistentVolumeName ?? '',
    attached: object.status?.['attached'] === true,
    terminating: isTerminating(object),
  }
}

export interface TaintSeen {
  readonly key: string
  readonly effect: string
}

export const taintsOf = (node: ApiObject): readonly TaintSeen[] =>
  (node.spec?.['taints'] ?? []) as TaintSeen[]

export function isReady(node: ApiObject): boolean {
  const conditions = (node.status?.['conditions'] ?? []) as { type: string; status: string }[]
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** Whether new pods may come to a node. */
export function isOpenForPods(node: ApiObject): boolean {
  return (
    node.spec?.['unschedulable'] !== true &&
    taintsOf(node).every(taint => taint.effect === 'PreferNoSchedule')
  )
}

export function inUseOf(node: ApiObject): readonly string[] {
  return (node.status?.['volumesInUse'] ?? []) as string[]
}

/** The first pod of a StatefulSet with one replica, as its controller makes it. */
export function podOfSet(set: ApiObject): object {
  const { template } = set.spec as { template: { metadata?: { labels?: Json }; spec: Json } }
  const name = nameOf(set)
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name,
    uid: uidOf(set),
    controller: true,
    blockOwnerDeletion: true,
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-0`,
      namespace: set.metadata?.namespace,
      labels: template.metadata?.labels,
      ownerReferences: [owner],
    },
    spec: template.spec,
  }
}
