/** The status of the object `hawserclusters.hawser.io/hawser`: schema and type. */
import { z } from 'zod'
import { ReasonSchema } from '#protocol/report.ts'

/** Volumes and nodes listed by name, the worst first; the rest is only counted. */
export const MAX_VOLUMES_LISTED = 1_000
export const MAX_NODES_LISTED = 1_000
export const MAX_REASONS_LISTED = 24
/** Of each of the two lists as JSON: an object in etcd must stay below 1.5 MiB, above all when everything is broken. */
export const MAX_LIST_CHARS = 400_000

const name = z.string().min(1).max(253)

const NodeStatusSchema = z.object({
  node: name,
  /** A fresh report says that nothing is wrong, and Kubernetes says Ready. */
  ready: z.boolean(),
  agentVersion: z.string().max(64).optional(),
  bootId: z.string().max(36).optional(),
  /** Of an old report: the node's wall clock when it was written. A fresh one would change this object each minute. */
  reportedAt: z.iso.datetime().optional(),
  /** The agent is silent, or its peers say that the node is gone: what it said last may be untrue by now. */
  reportOld: z.boolean(),
  drbd: z.string().max(96).optional(),
  armed: z.boolean(),
  reasons: z.array(ReasonSchema).max(MAX_REASONS_LISTED),
})

export const VOLUME_STATES = ['healthy', 'degraded', 'suspended', 'no-current-copy', 'unknown'] as const

const CopySchema = z.object({
  node: name,
  role: z.string().max(40),
  disk: z.string().max(40),
  /** From an old report. */
  old: z.boolean(),
})

const VolumeStatusSchema = z.object({
  resource: z.string().min(1).max(127),
  state: z.enum(VOLUME_STATES),
  /** Nodes that say, in a fresh report, that it is Primary there. */
  primary: z.array(name).max(32),
  copies: z.array(CopySchema).max(32),
  reasons: z.array(ReasonSchema).max(MAX_REASONS_LISTED),
})

export const ConditionSchema = z.object({
  type: z.string().max(64),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/),
  message: z.string().max(1024),
  lastTransitionTime: z.iso.datetime(),
})

const count = z.int().min(0)

export const ClusterStatusSchema = z.object({
  /** For people and for printer columns: nodes ready of all, volumes healthy of all. */
  ready: z.string().max(16),
  volumesHealthy: z.string().max(24),
  nodesReady: count,
  nodesTotal: count,
  volumeCounts: z.object({
    total: count,
    healthy: count,
    degraded: count,
    suspended: count,
    noCurrentCopy: count,
    unknown: count,
  }),
  nodes: z.array(NodeStatusSchema).max(MAX_NODES_LISTED),
  nodesLeftOff: count,
  volumes: z.array(VolumeStatusSchema).max(MAX_VOLUMES_LISTED),
  volumesLeftOff: count,
  agentVersions: z.array(z.object({ version: z.string().max(64), nodes: count })).max(32),
  conditions: z
    .array(ConditionSchema)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
})

export type NodeStatus = z.infer<typeof NodeStatusSchema>
export type VolumeState = (typeof VOLUME_STATES)[number]
export type VolumeStatus = z.infer<typeof VolumeStatusSchema>
export type Condition = z.infer<typeof ConditionSchema>
export type ClusterStatus = z.infer<typeof ClusterStatusSchema>
