/** What agents know of each other: the types of the mesh slice. All times are this node's monotonic milliseconds. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'

export interface Member {
  readonly node: NodeName
  /** Every address of the node, on every network: the first one carries the beats, all of them name it as a DRBD peer. */
  readonly addresses: readonly string[]
}

/** Who votes. `hash` covers members and the three lease figures, so that agents of different opinion never count each other. */
export interface Members {
  readonly list: readonly Member[]
  readonly hash: string
}

/** Which life of which node: the kernel's boot, and the agent's start within it. */
export interface Life {
  readonly bootId: BootId
  /** CLOCK_MONOTONIC of the agent's start in microseconds: grows within a boot. */
  readonly incarnation: number
}

/** What this node last learned first hand about a peer's life (kept on disk before it is acknowledged). */
export interface PeerLife {
  readonly bootId: BootId
  /** The peer has announced that a lease-bound watchdog holds it; never true again for this boot once `false` was acknowledged. */
  readonly armed: boolean
  readonly membersHash: string
}

/** What another member said about X, in an acknowledgement of a beat of ours (so it is younger than that beat). */
export interface Statement {
  readonly about: NodeName
  readonly life: PeerLife | undefined
  /** Milliseconds, on the speaker's clock, since it last granted X anything (or since its own start, if it never did). */
  readonly sinceGrantMs: number
  readonly suspects: boolean
  /** Resources of X of which the speaker holds a current copy and may promote it as far as its own kernel says. */
  readonly currentCopies: readonly string[]
  /** Whether the speaker is carrying out, or has carried out, the failover of this boot of X. */
  readonly failover: 'none' | 'acting' | 'done'
}

export interface HeardStatement {
  readonly statement: Statement
  /** When the beat left that this answers: the statement was made after this. */
  readonly askedAt: MonoMs
  readonly heardAt: MonoMs
}

export interface Peer {
  readonly node: NodeName
  /** Undefined: never seen. */
  readonly life: PeerLife | undefined
  readonly incarnation: number | undefined
  readonly lastSeq: number | undefined
  /** When an authenticated message of it last came; undefined: never seen in this life of ours. */
  readonly heardAt: MonoMs | undefined
  /** When we last granted it a lease; undefined: never since our start. */
  readonly grantedAt: MonoMs | undefined
  /** Send time of the newest own beat that it granted: our lease from it runs from here. */
  readonly leaseFrom: MonoMs | undefined
  /** It refused our own boot as condemned. */
  readonly refusesUs: boolean
  /** By speaker about whom: only the newest one of each. */
  readonly statements: ReadonlyMap<NodeName, HeardStatement>
  readonly suspectedSince: MonoMs | undefined
  /** Boots of this node that are proven over; nothing is granted to them for ever. */
  readonly condemned: ReadonlyMap<BootId, Condemnation>
}

export interface Condemnation {
  readonly bootId: BootId
  readonly by: 'lease' | 'new-boot'
  readonly at: MonoMs
}

export interface MeshState {
  readonly self: NodeName
  readonly life: Life
  readonly startedAt: MonoMs
  readonly members: Members | undefined
  readonly peers: ReadonlyMap<NodeName, Peer>
  /** When the loop last turned: a late loop distrusts its own leases. */
  readonly lastTurnAt: MonoMs
  readonly armed: boolean
  /** Set when a clean stop wants to disarm: beats then say armed=false. */
  readonly disarming: boolean
}

/** The figures of the lease, part of the members' hash. */
export interface LeasePolicy {
  /** How long a granted acknowledgement lets its holder feed, from the send time of the beat it grants. */
  readonly leaseMs: number
  /** The watchdog device resets the node this long after the last feed, at most. */
  readonly watchdogMs: number
  /** Clock rate difference, timer slack and the time a reset takes. */
  readonly marginMs: number
  readonly beatMs: number
  readonly suspectMs: number
}

export const DEFAULT_LEASE: LeasePolicy = {
  leaseMs: 3000,
  watchdogMs: 5000,
  marginMs: 500,
  beatMs: 250,
  suspectMs: 800,
}
