/** Every figure that a decision depends on. */
import { DEFAULT_LEASE, type LeasePolicy } from '../state/mesh-model.ts'

export interface Policy {
  readonly lease: LeasePolicy
  /** A feed this often while the lease lasts: a lost or late one must not be enough for a reset. */
  readonly feedEveryMs: number
  /** A survivor waits this long for each one that ranks before it. */
  readonly takeoverMs: number
  /** One that said that it acts is given this long instead. */
  readonly actingMs: number
  /** First wait after a failed failover; doubles up to `retryCapMs`. */
  readonly retryMs: number
  readonly retryCapMs: number
  /** What was taken care of is looked at again this often while the node stays away: an annotation may have gone. */
  readonly recheckMs: number
  /** The other agent is asked to outdate its copy this often until it answers. */
  readonly outdateEveryMs: number
  /** The kernel calls its handler a little before it tells that the connection is gone. */
  readonly connectedGraceMs: number
  /** How long a promotion may hang in its handler. A Primary waits for ever: its I/O stands still, and that is right. */
  readonly promoteWaitMs: number
  /** Also pods with volumes of kinds that may be written from elsewhere (hostPath, nfs, …). */
  readonly failOverUnsafePods: boolean
  /** A VolumeAttachment that has not gone by then loses its finalizer. */
  readonly stripAfterMs: number
}

export const DEFAULT_POLICY: Policy = {
  lease: DEFAULT_LEASE,
  feedEveryMs: 500,
  takeoverMs: 1500,
  actingMs: 10_000,
  retryMs: 500,
  retryCapMs: 10_000,
  recheckMs: 30_000,
  outdateEveryMs: 300,
  connectedGraceMs: 2000,
  promoteWaitMs: 20_000,
  failOverUnsafePods: false,
  stripAfterMs: 1500,
}
