/** Reads, when a node is lost, what is known of it: its pods, their claims and volumes, its attachments. */
import type {
  AttachmentFact,
  ClaimFact,
  NodeFact,
  PersistentVolumeFact,
  PodFact,
  PodFacts,
  PodVolumeFact,
} from '../decide/pod-facts.ts'
import { AttachmentObject, ClaimObject, NodeObject, PodObject, VolumeObject } from './objects.ts'
import { readList, readOne } from './read.ts'
import type { Kube } from './request.ts'

const AT_ONCE = 16

/**
 * Nothing is watched and nothing is kept: a cluster of any size costs nothing while it is healthy.
 */
export async function readPodFacts(kube: Kube, node: string, signal: AbortSignal): Promise<PodFacts> {
  const [nodeObject, pods, attachments] = await Promise.all([
    readOne(kube, `/api/v1/nodes/${node}`, NodeObject, signal),
    readList(kube, '/api/v1/pods', { fieldSelector: `spec.nodeName=${node}` }, PodObject, signal),
    // The API server cannot select attachments by node.
    readList(kube, '/apis/storage.k8s.io/v1/volumeattachments', {}, AttachmentObject, signal),
  ])
  const podFacts = pods.map(toPod)
  const attachmentFacts = attachments.map(toAttachment).filter(attachment => attachment.node === node)
  const claims = await each(claimsOf(podFacts), ({ namespace, claim }) =>
    readOne(kube, `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`, ClaimObject, signal),
  )
  const claimFacts = claims.map(toClaim)
  const names = new Set([...claimFacts, ...attachmentFacts].flatMap(({ volumeName }) => volumeName ?? []))
  const volumes = await each([...names], name =>
    readOne(kube, `/api/v1/persistentvolumes/${name}`, VolumeObject, signal),
  )
  return {
    node: nodeObject === undefined ? undefined : toNode(nodeObject),
    pods: podFacts,
    claims: claimFacts,
    volumes: volumes.map(toVolume),
    attachments: attachmentFacts,
  }
}

function claimsOf(pods: readonly PodFact[]): readonly { namespace: string; claim: string }[] {
  const seen = new Map<string, { namespace: string; claim: string }>()
  for (const { namespace, volumes } of pods)
    for (const { claim } of volumes)
      if (claim !== undefined) seen.set(`${namespace}/${claim}`, { namespace, claim })
  return [...seen.values()]
}

/** Several at a time, in order; what is not there is left out. */
async function each<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result | undefined>,
): Promise<Result[]> {
  const found: Result[] = []
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const some = await Promise.all(items.slice(at, at + AT_ONCE).map(read))
    for (const one of some) if (one !== undefined) found.push(one)
  }
  return found
}

function toPod({ metadata, spec, status }: PodObject): PodFact {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    phase: status?.phase ?? 'Unknown',
    deleting: metadata.deletionTimestamp !== undefined,
    ownerKinds: (metadata.ownerReferences ?? []).map(({ kind }) => kind),
    annotations: metadata.annotations ?? {},
    volumes: (spec.volumes ?? []).map(volume => toPodVolume(metadata.name, spec, volume)),
  }
}

function toPodVolume(
  pod: string,
  spec: PodObject['spec'],
  volume: Readonly<Record<string, unknown>> & { name: string },
): PodVolumeFact {
  // A volume names its source by one key beside its name; one without any is an emptyDir.
  const kind = Object.keys(volume).find(key => key !== 'name') ?? 'emptyDir'
  const source: unknown = volume[kind]
  const claim =
    kind === 'persistentVolumeClaim'
      ? textIn(source, 'claimName')
      : kind === 'ephemeral'
        ? `${pod}-${volume.name}`
        : undefined
  return {
    name: volume.name,
    kind,
    claim,
    readOnly: isTrueIn(source, 'readOnly') || onlyRead(spec, volume.name),
  }
}

function onlyRead(spec: PodObject['spec'], name: string): boolean {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  if (containers.some(container => container.volumeDevices?.some(device => device.name === name) === true))
    return false
  const mounts = containers.flatMap(container =>
    (container.volumeMounts ?? []).filter(mount => mount.name === name),
  )
  return mounts.length > 0 && mounts.every(mount => mount.readOnly === true)
}

function textIn(source: unknown, key: string): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined
  const value: unknown = (source as Record<string, unknown>)[key]
  return typeof value === 'string' ? value : undefined
}

function isTrueIn(source: unknown, key: string): boolean {
  return typeof source === 'object' && source !== null && (source as Record<string, unknown>)[key] === true
}

function toClaim({ metadata, spec }: ClaimObject): ClaimFact {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    volumeName: spec?.volumeName === '' ? undefined : spec?.volumeName,
  }
}

const READING_MODES = new Set(['ReadOnlyMany'])

function toVolume({ metadata, spec }: VolumeObject): PersistentVolumeFact {
  const modes = spec.accessModes ?? []
  return {
    name: metadata.name,
    driver: spec.csi?.driver,
    handle: spec.csi?.volumeHandle,
    readOnly:
      spec.csi?.readOnly === true || (modes.length > 0 && modes.every(mode => READING_MODES.has(mode))),
  }
}

function toAttachment({ metadata, spec }: AttachmentObject): AttachmentFact {
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName,
    volumeName: spec.source.persistentVolumeName,
  }
}

function toNode({ metadata, spec, status }: NodeObject): NodeFact {
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    bootId: status?.nodeInfo?.bootID,
    taints: (spec?.taints ?? []).map(taint => ({ ...taint, value: taint.value ?? '' })),
    volumesInUse: status?.volumesInUse ?? [],
  }
}
