/** Which pods and attachments of a dead node go, in which steps, and why the others stay. No proof, no delete. */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import { ANNOTATION_IGNORE_FAIL_OVER, CSI_DRIVER, TAINT_LOST_QUORUM } from '#protocol/names.ts'
import type { Taint } from '../state/events.ts'
import { inUseName, resourceOfHandle } from './csi-names.ts'
import type { PersistentVolumeFact, PodFact, PodFacts, PodVolumeFact } from './pod-facts.ts'

/** The verdict under which pods may go. */
export interface PodOrder {
  readonly node: NodeName
  readonly bootId: BootId
  readonly proven: ReadonlySet<ResourceName>
  readonly unsafePods: boolean
  readonly stripAfterMs: number
}

export type Step =
  /** Replaces the taints if the object still has this version. */
  | {
      readonly kind: 'taint'
      readonly node: string
      readonly resourceVersion: string
      readonly taints: readonly Taint[]
    }
  /** Takes these entries out of `status.volumesInUse`, in one patch. */
  | { readonly kind: 'release'; readonly node: string; readonly inUse: readonly string[] }
  /** If it still is there after `stripAfterMs`, its finalizers go too. */
  | {
      readonly kind: 'delete-attachment'
      readonly name: string
      readonly uid: string
      readonly stripAfterMs: number
    }
  /** Grace 0. */
  | { readonly kind: 'delete-pod'; readonly namespace: string; readonly name: string; readonly uid: string }

export interface KeptPod {
  readonly namespace: string
  readonly name: string
  readonly because: string
}

export interface PodPlan {
  /** In the order in which they must be carried out. Empty: there is nothing to do. */
  readonly steps: readonly Step[]
  readonly kept: readonly KeptPod[]
}

/** Kinds that hold nothing which another pod could damage; a claim is judged by its volume. */
const SAFE_KINDS = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'gitRepo',
  'image',
  'projected',
  'secret',
])
const CLAIM_KINDS = new Set(['persistentVolumeClaim', 'ephemeral'])
const FINISHED = new Set(['Succeeded', 'Failed'])

export function planPods(facts: PodFacts, order: PodOrder): PodPlan {
  const { node } = facts
  if (node === undefined) return { steps: [], kept: [] }
  const pods = facts.pods.filter(pod => !FINISHED.has(pod.phase) && concernsUs(facts, pod))
  const otherBoot = node.bootId !== undefined && node.bootId !== '' && node.bootId !== order.bootId
  if (otherBoot)
    return { steps: [], kept: pods.map(pod => keep(pod, 'the kubelet tells of another boot of the node')) }

  const going: PodFact[] = []
  const kept: KeptPod[] = []
  const heldBack = new Set<string>()
  for (const pod of pods) {
    const because = whyKept(facts, order, pod)
    if (because === undefined) {
      going.push(pod)
      continue
    }
    kept.push(keep(pod, because))
    for (const volume of pod.volumes) heldBack.add(volumeOf(facts, pod, volume)?.name ?? '')
  }
  const free = facts.volumes.filter(volume => isProven(order, volume) && !heldBack.has(volume.name))
  return { steps: stepsFor(facts, order, going, free), kept }
}

function keep({ namespace, name }: PodFact, because: string): KeptPod {
  return { namespace, name, because }
}

/** It uses a volume of ours, or one of which we cannot tell. */
function concernsUs(facts: PodFacts, pod: PodFact): boolean {
  return pod.volumes.some(volume => {
    if (!CLAIM_KINDS.has(volume.kind)) return false
    const found = volumeOf(facts, pod, volume)
    return found === undefined || isOurs(found)
  })
}

/** Undefined: it may go. */
function whyKept(facts: PodFacts, order: PodOrder, pod: PodFact): string | undefined {
  if (pod.ownerKinds.length === 0) return 'nobody would make it again (no owner)'
  if (pod.ownerKinds.includes('Node')) return 'it is a static pod'
  if (ANNOTATION_IGNORE_FAIL_OVER in pod.annotations) return `it is annotated ${ANNOTATION_IGNORE_FAIL_OVER}`
  let proven = 0
  for (const volume of pod.volumes) {
    const verdict = judgeVolume(facts, order, pod, volume)
    if (verdict === 'proven') proven += 1
    else if (verdict !== 'harmless') return `volume ${volume.name}: ${verdict}`
  }
  return proven === 0 ? 'none of its volumes is proven' : undefined
}

/** `proven`, `harmless`, or why it keeps its pod. */
function judgeVolume(facts: PodFacts, order: PodOrder, pod: PodFact, volume: PodVolumeFact): string {
  if (!CLAIM_KINDS.has(volume.kind)) {
    if (SAFE_KINDS.has(volume.kind) || order.unsafePods) return 'harmless'
    return `${volume.kind} may be written from elsewhere`
  }
  const found = volumeOf(facts, pod, volume)
  if (found === undefined)
    return isUnbound(facts, pod, volume) ? 'its claim is not bound' : 'its PersistentVolume is not known'
  if (isOurs(found)) return isProven(order, found) ? 'proven' : volume.readOnly ? 'harmless' : 'not proven'
  if (volume.readOnly || found.readOnly || order.unsafePods) return 'harmless'
  return `${found.driver ?? 'a volume without a CSI driver'} gives no proof`
}

function volumeOf(facts: PodFacts, pod: PodFact, volume: PodVolumeFact): PersistentVolumeFact | undefined {
  const claim = facts.claims.find(
    ({ namespace, name }) => namespace === pod.namespace && name === volume.claim,
  )
  if (claim?.volumeName === undefined) return undefined
  return facts.volumes.find(({ name }) => name === claim.volumeName)
}

function isUnbound(facts: PodFacts, pod: PodFact, volume: PodVolumeFact): boolean {
  return facts.claims.some(
    ({ namespace, name, volumeName }) =>
      namespace === pod.namespace && name === volume.claim && volumeName === undefined,
  )
}

function isOurs(volume: PersistentVolumeFact): boolean {
  return volume.driver === CSI_DRIVER && volume.handle !== undefined
}

function isProven(order: PodOrder, volume: PersistentVolumeFact): boolean {
  return isOurs(volume) && order.proven.has(resourceOfHandle(volume.handle ?? '') as ResourceName)
}

/** Why this order: the replacement must not come back to the node, and the attachment must be free before the pod is missed. */
function stepsFor(
  facts: PodFacts,
  order: PodOrder,
  going: readonly PodFact[],
  free: readonly PersistentVolumeFact[],
): readonly Step[] {
  const { node } = facts
  if (node === undefined) return []
  const wanted = new Set(free.map(volume => inUseName(volume.handle ?? '')))
  const inUse = node.volumesInUse.filter(name => wanted.has(name))
  const names = new Set(free.map(volume => volume.name))
  const attachments = facts.attachments.filter(
    each => each.node === node.name && each.volumeName !== undefined && names.has(each.volumeName),
  )
  if (going.length === 0 && inUse.length === 0 && attachments.length === 0) return []
  return [
    ...taintStep(facts, order),
    ...(inUse.length === 0 ? [] : [{ kind: 'release', node: node.name, inUse } as const]),
    ...attachments.map(
      ({ name, uid }): Step => ({ kind: 'delete-attachment', name, uid, stripAfterMs: order.stripAfterMs }),
    ),
    ...going.map(({ namespace, name, uid }): Step => ({ kind: 'delete-pod', namespace, name, uid })),
  ]
}

/** The value says of which boot it speaks: that node, in a new boot, may take it off. */
function taintStep({ node }: PodFacts, order: PodOrder): readonly Step[] {
  if (node === undefined) return []
  const wanted: Taint = { key: TAINT_LOST_QUORUM, value: order.bootId, effect: 'NoSchedule' }
  const isSame = (taint: Taint): boolean => taint.key === wanted.key && taint.effect === wanted.effect
  if (node.taints.some(taint => isSame(taint) && taint.value === wanted.value)) return []
  const taints = [...node.taints.filter(taint => !isSame(taint)), wanted]
  return [{ kind: 'taint', node: node.name, resourceVersion: node.resourceVersion, taints }]
}
