/** The report of an agent about its node: status of the object `hawsernodes.hawser.io/NODE`, schema and type. */
import { z } from 'zod'

/** An unchanged report is written again after this long, so that silence can be told from quiet. */
export const REPORT_RENEW_MS = 60_000
/** Two reports of one agent are at least this far apart. */
export const REPORT_APART_MS = 1_000
/** Volumes in one report; the rest is counted in `volumesLeftOff` (an object in etcd must stay below 1.5 MiB). */
export const REPORT_MAX_VOLUMES = 2_000
const MAX_REASONS = 16

/** State words of DRBD stay open: a newer kernel may have more of them, and its report must not be refused for that. */
const word = z.string().min(1).max(40)
const name = z.string().min(1).max(253)

/** A word for programs, a sentence for people. */
export const ReasonSchema = z.object({
  code: z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/),
  text: z.string().max(512),
})

const DiskSchema = z.object({
  volume: z.int().min(0).max(65_535),
  minor: z.int().min(0).max(1_048_575),
  disk: word,
  /** Diskless on purpose; absent: no. */
  client: z.boolean().optional(),
  sizeBytes: z.int().min(0).optional(),
})

const PeerSchema = z.object({
  /** The member on the other side, or the address where no member has it. */
  node: name,
  connection: word,
  role: word,
  /** The worst of the disks on the other side. */
  disk: word,
  outOfSyncBytes: z.int().min(0).optional(),
})

export const VolumeReportSchema = z.object({
  resource: z.string().min(1).max(127),
  role: z.enum(['Unknown', 'Primary', 'Secondary']),
  disks: z.array(DiskSchema).max(64),
  peers: z.array(PeerSchema).max(31),
  /** Why I/O stands still here; empty: it does not. */
  suspended: z.array(z.enum(['user', 'no-data', 'fencing', 'quorum'])).max(4),
  reasons: z.array(ReasonSchema).max(MAX_REASONS),
})

const MemberReportSchema = z.object({
  node: name,
  /** `never-seen` is not `lost`: nothing follows from it. `lost`: proven over, in the boot that was seen. */
  state: z.enum(['alive', 'suspected', 'lost', 'never-seen']),
})

export const ReportSchema = z.object({
  node: name,
  agentVersion: z.string().min(1).max(64),
  bootId: z.string().length(36),
  /** Wall clock of the node, for people: nothing is decided by it. */
  reportedAt: z.iso.datetime(),
  drbd: z.object({
    phase: z.enum(['starting', 'no module', 'resync', 'live']),
    /** Version of the module, such as 8.4.11 or 9.2.14; absent without a module. */
    version: z.string().max(64).optional(),
  }),
  volumes: z.array(VolumeReportSchema).max(REPORT_MAX_VOLUMES),
  volumesLeftOff: z.int().min(0),
  lease: z.object({
    /** A lease-bound watchdog would reset this node: its death can be proven. */
    armed: z.boolean(),
    /** A majority grants the lease now. */
    held: z.boolean(),
  }),
  members: z.array(MemberReportSchema).max(64),
  /** What keeps this node from its whole work; with any of them it does not count as ready. */
  reasons: z.array(ReasonSchema).max(MAX_REASONS),
})

export type Reason = z.infer<typeof ReasonSchema>
export type VolumeReport = z.infer<typeof VolumeReportSchema>
export type Report = z.infer<typeof ReportSchema>
