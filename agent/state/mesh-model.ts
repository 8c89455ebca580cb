/** What agents know of each other: the types of the mesh slice. All times are this node's monotonic milliseconds. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { Refusal, SaidStatement, WatchdogWord } from '../wire/mesh-types.ts'

export interface Member {
  readonly node: NodeName
  /** Every address of the node, on every network: the first one carries the beats, all of them name it as a DRBD peer. */
  readonly addresses: readonly string[]
}

/** Who votes. `hash` covers members and the three lease figures, so that agents of different opinion never count each other. */
export interface Members {
  readonly list: readonly Member[]
  /** 16 to 64 hex digits. */
  readonly hash: string
}

/** Which life of which node: the kernel's boot, and the agent's start within it. */
export interface Life {
  readonly bootId: BootId
  /** CLOCK_MONOTONIC of the agent's start in microseconds: grows within a boot. */
  readonly incarnation: number
}

/** What this node last learned first hand about a peer's life. */
export interface PeerLife {
  readonly bootId: BootId
  readonly incarnation: number
  /** Of the newest beat that was taken; -1: none yet in this incarnation. Older ones change nothing. */
  readonly seq: number
  /** A lease-bound watchdog holds this boot, as the peer has announced and not taken back since. */
  readonly armed: boolean
  /** Its node resets at the latest this long after a feed that the lease allowed. */
  readonly resetMs: number
  readonly membersHash: string
}

/** A statement that came in an acknowledgement: made after `askedAt` and before `heardAt`. */
export interface HeardStatement {
  readonly said: SaidStatement
  readonly membersHash: string
  readonly askedAt: MonoMs
  readonly heardAt: MonoMs
}

export interface Condemnation {
  readonly bootId: BootId
  /** `told`: another member has the proof. */
  readonly by: 'lease' | 'new-boot' | 'told'
  readonly at: MonoMs
  /** On disk: only then anything follows from it. */
  readonly saved: boolean
}

export interface Peer {
  readonly node: NodeName
  /** Undefined: never seen, in no life of ours. */
  readonly life: PeerLife | undefined
  /** When something of this boot of it first came; what was read from disk counts as before our start. */
  readonly bootSince: MonoMs
  /** What is on disk of its life; nothing is acknowledged before it says the same. */
  readonly saved: PeerLife | undefined
  /** Its newest beat, when that must wait for the disk before it is answered. */
  readonly owed: { readonly via: string; readonly nonce: string } | undefined
  /** When a message of its present boot last came; undefined: not since our start. */
  readonly heardAt: MonoMs | undefined
  /** Since when we have granted it nothing and learned nothing new of its life: our start, or the last such moment. */
  readonly quietFrom: MonoMs
  /** Send time of the newest own beat that it granted: our lease from it runs from here. */
  readonly leaseFrom: MonoMs | undefined
  /** It has acknowledged, on disk, that our watchdog is off. */
  readonly recordsOff: boolean
  /** It holds our own boot for over. */
  readonly refusesUs: boolean
  /** What it last said about others. */
  readonly statements: ReadonlyMap<NodeName, HeardStatement>
  /** Resources that it shares with the node named first, of which its copy is current; with the time it was asked. */
  readonly copies: ReadonlyMap<NodeName, ReadonlyMap<string, MonoMs>>
  /** Boots of this node that are over; nothing is granted to them for ever. */
  readonly condemned: ReadonlyMap<BootId, Condemnation>
  /** When we last sent it a beat. */
  readonly beatAt: MonoMs | undefined
}

/** An own beat that may still be answered. */
export interface PendingBeat {
  readonly to: NodeName
  readonly sentAt: MonoMs
  readonly watchdog: WatchdogWord
}

/** A beat to answer in this turn; what the answer grants is noted before it leaves. */
export interface Answer {
  readonly to: NodeName
  /** Where the beat came from. */
  readonly via: string
  readonly nonce: string
  readonly bootId: BootId
  readonly refused: Refusal | undefined
  readonly recorded: boolean
}

export interface MeshState {
  readonly self: NodeName
  readonly life: Life
  /** Taken after the port of the beats was bound: no earlier process of this node can have granted anything later. */
  readonly startedAt: MonoMs
  readonly members: Members | undefined
  /** A list that came while the watchdog was bound to another one: taken only after a clean stop. */
  readonly heldBack: string | undefined
  readonly peers: ReadonlyMap<NodeName, Peer>
  readonly pending: ReadonlyMap<string, PendingBeat>
  /** The time of this turn of the loop; every grant and every statement of the turn carries it. */
  readonly turnAt: MonoMs
  /** When the loop last turned too late, or the clock went back: what it then knew of others was old. */
  readonly lateAt: MonoMs | undefined
  readonly answers: readonly Answer[]
}

/** The figures of the lease; the first three are part of the members' hash. */
export interface LeasePolicy {
  /** How long a granted acknowledgement lets its holder feed, from the send time of the beat it grants. */
  readonly leaseMs: number
  /** The time-out programmed into the watchdog device. */
  readonly watchdogMs: number
  /** Clock rate difference, timer slack, the time a reset takes, and the slack of a feed. */
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

/** A loop that turns later than this may have been stopped. */
export const LATE_MS = 1000
/** An answer that takes longer than this is not waited for. */
export const PENDING_MS = 3000

/** Fewer members than this: no lease, no watchdog, no proof. */
export const LEAST_MEMBERS = 3

/** How many of the members, oneself among them, are more than half. */
export function majority(members: Members): number {
  return Math.floor(members.list.length / 2) + 1
}
