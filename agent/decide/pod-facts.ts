/** What the failover lane reads from the API server about a lost node, cut down to what the plan needs. */
import type { Taint } from '../state/events.ts'

export interface PodVolumeFact {
  readonly name: string
  /** The key of the volume source: `persistentVolumeClaim`, `configMap`, `hostPath`, … A generic ephemeral volume is `ephemeral`. */
  readonly kind: string
  /** Of a claim, and of a generic ephemeral volume (`<pod>-<volume>`). */
  readonly claim: string | undefined
  /** The source or every mount of every container (init ones too) is read-only; a block device never is. */
  readonly readOnly: boolean
}

export interface PodFact {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly phase: string
  readonly deleting: boolean
  /** Kinds of its owners: a pod without any is made again by nobody. */
  readonly ownerKinds: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
  readonly volumes: readonly PodVolumeFact[]
}

export interface ClaimFact {
  readonly namespace: string
  readonly name: string
  /** Undefined: not bound. */
  readonly volumeName: string | undefined
}

export interface PersistentVolumeFact {
  readonly name: string
  /** Undefined: no CSI volume. */
  readonly driver: string | undefined
  readonly handle: string | undefined
  /** CSI source or access modes allow no writing. */
  readonly readOnly: boolean
}

export interface AttachmentFact {
  readonly name: string
  readonly uid: string
  readonly node: string
  readonly volumeName: string | undefined
}

export interface NodeFact {
  readonly name: string
  readonly resourceVersion: string
  /** `status.nodeInfo.bootID`; undefined or empty: the kubelet has not told it. */
  readonly bootId: string | undefined
  readonly taints: readonly Taint[]
  readonly volumesInUse: readonly string[]
}

/** Everything is about one node; pods of all namespaces and all phases. */
export interface PodFacts {
  /** Undefined: there is no such Node object (any more). */
  readonly node: NodeFact | undefined
  readonly pods: readonly PodFact[]
  readonly claims: readonly ClaimFact[]
  readonly volumes: readonly PersistentVolumeFact[]
  readonly attachments: readonly AttachmentFact[]
}
