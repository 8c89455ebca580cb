/** The status document of an agent (`GET /v1/status`, `GET /v1/decisions`): schema and type. */
import { z } from 'zod'

export const STATUS_VERSION = 1
/** Volumes in one document; the rest is counted in `volumesLeftOff`. */
export const STATUS_MAX_VOLUMES = 2_000
export const STATUS_MAX_DECISIONS = 200

const word = z.string().max(64)
const text = z.string().max(600)
const name = z.string().min(1).max(253)
/** Wall clock, for people; nothing is decided by it. */
const moment = z.iso.datetime()

export const DecisionSchema = z.object({
  at: moment,
  topic: word,
  subject: z.string().max(400),
  verdict: word,
  because: text,
})

const NodeSchema = z.object({
  node: name,
  /** `over`: this boot is proven over. `never-seen` is not lost: nothing follows from it. */
  state: z.enum(['self', 'alive', 'suspected', 'over', 'never-seen']),
  bootId: z.string().length(36).optional(),
  /** A lease-bound watchdog would reset it: its death can be proven. */
  armed: z.boolean(),
  heardMsAgo: z.int().min(0).optional(),
  /** We have granted it nothing for so long. */
  quietMs: z.int().min(0).optional(),
  /** It has granted us the lease, asked so long ago. */
  grantedMsAgo: z.int().min(0).optional(),
  /** Why its boot is not proven over; only while it is suspected. */
  missing: text.optional(),
  condemnedBy: z.enum(['lease', 'new-boot', 'told']).optional(),
  failover: z.enum(['none', 'acting', 'done', 'failed']),
})

const DiskSchema = z.object({
  volume: z.int().min(0),
  minor: z.int().min(0),
  disk: word,
  client: z.boolean(),
  sizeBytes: z.int().min(0).optional(),
})

const PeerSchema = z.object({
  /** The member on the other side, or the address where no member has it. */
  node: name,
  connection: word,
  role: word,
  /** The worst of its disks. */
  disk: word,
  replication: word,
  outOfSyncBytes: z.int().min(0).optional(),
})

const VolumeSchema = z.object({
  resource: z.string().min(1).max(127),
  role: word,
  disks: z.array(DiskSchema).max(256),
  peers: z.array(PeerSchema).max(64),
  /** Why its I/O stands still: `user`, `no-data`, `fencing`, `quorum`. */
  suspended: z.array(word).max(4),
  failsIo: z.boolean(),
})

export const StatusSchema = z.object({
  version: z.literal(STATUS_VERSION),
  node: name,
  agentVersion: word,
  at: moment,
  bootId: z.string().length(36),
  drbd: z.object({
    phase: z.enum(['starting', 'no module', 'resync', 'live']),
    family: z.union([z.literal(1), z.literal(2)]).optional(),
    /** Words and attributes that this agent does not know, met so far. */
    unknown: z.int().min(0),
  }),
  members: z.object({
    count: z.int().min(0),
    majority: z.int().min(0),
    hash: z.string().max(64),
    /** Another list waits for a clean stop. */
    heldBack: z.boolean(),
  }),
  lease: z.object({ held: z.boolean(), leftMs: z.int().min(0).optional(), because: text }),
  watchdog: z.object({
    device: z.enum(['none', 'closed', 'open', 'disarmed', 'failed']),
    armed: z.boolean(),
    resetMs: z.int().min(0),
    fedMsAgo: z.int().min(0).optional(),
    failure: text.optional(),
  }),
  apiReachable: z.boolean().optional(),
  nodes: z.array(NodeSchema).max(65),
  volumes: z.array(VolumeSchema).max(STATUS_MAX_VOLUMES),
  volumesLeftOff: z.int().min(0),
  /** Handlers of DRBD that wait for an answer, by resource. */
  fenceRequests: z.array(z.string()).max(1000),
  /** Events that were dropped because the inbox was full. */
  dropped: z.int().min(0),
  /** Of the last events of DRBD: from their arrival to the start of what follows from them, in milliseconds. */
  kernelEvents: z
    .object({ count: z.int(), p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() })
    .optional(),
  /** What stands now, by topic and subject. */
  standing: z.array(DecisionSchema),
})

/** The last decisions, oldest first. */
export const DecisionsSchema = z.object({
  version: z.literal(STATUS_VERSION),
  node: name,
  decisions: z.array(DecisionSchema).max(STATUS_MAX_DECISIONS),
})

export type DecisionStatus = z.infer<typeof DecisionSchema>
export type NodeStatus = z.infer<typeof NodeSchema>
export type VolumeStatus = z.infer<typeof VolumeSchema>
export type StatusDocument = z.infer<typeof StatusSchema>
export type DecisionsDocument = z.infer<typeof DecisionsSchema>
