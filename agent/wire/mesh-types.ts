/** The messages between agents, as values; `mesh-message.ts` turns them into datagrams and back. */
import type { BootId, NodeName } from '#kit/brand.ts'

/**
 * What the sender says of its watchdog. `armed`: open, and fed only under the lease. `off`: there is none, or it is about to be
 * closed. `starting`: this process has not opened it, so what an earlier one of the same boot announced still holds.
 */
export type WatchdogWord = 'off' | 'starting' | 'armed'

/** "I live in this boot; grant me the lease." Sent every `beatMs` to every other member, heard or not. */
export interface Beat {
  readonly kind: 'beat'
  readonly from: NodeName
  readonly bootId: BootId
  readonly incarnation: number
  /** Grows with every beat of this incarnation, whoever it goes to. */
  readonly seq: number
  /** 16 hex digits, random: comes back in the acknowledgement and makes it fresh. */
  readonly nonce: string
  readonly watchdog: WatchdogWord
  /** The sender's node resets at the latest this long after a feed that its lease allowed, even if the agent is killed. */
  readonly resetMs: number
  readonly membersHash: string
}

export interface SaidLife {
  readonly bootId: BootId
  readonly armed: boolean
  readonly resetMs: number
  readonly membersHash: string
}

export type FailoverWord = 'none' | 'acting' | 'done'

export interface SaidStatement {
  readonly about: NodeName
  /** What the speaker has on disk about the life of that node. */
  readonly life?: SaidLife
  /** Milliseconds, on the speaker's clock, that it has granted that node nothing and learned nothing new about its life. */
  readonly quietMs: number
  readonly suspects: boolean
  /** The newest boots that the speaker knows to be over. */
  readonly condemned: readonly BootId[]
  /** Resources shared with that node of which the speaker's copy is current. Said only while it is suspected. */
  readonly currentCopies: readonly string[]
  /** The list above is a part: what is missing from it may still be current. */
  readonly copiesCut: boolean
  readonly failover: FailoverWord
}

export type Refusal = 'condemned' | 'members'

/** The answer to one beat. `granted` is the lease; without it the reason stands in `refused`. */
export interface Ack {
  readonly kind: 'ack'
  readonly from: NodeName
  readonly bootId: BootId
  readonly incarnation: number
  readonly membersHash: string
  readonly nonce: string
  /** The boot whose beat is answered. */
  readonly yourBootId: BootId
  readonly granted: boolean
  readonly refused?: Refusal
  /** What the beat said of boot, watchdog and members is on the sender's disk. */
  readonly recorded: boolean
  readonly statements: readonly SaidStatement[]
  /** Statements that did not fit into the datagram. */
  readonly leftOff: number
}

/** "Outdate your copy of this resource" (fence-peer of 8.4), repeated until answered. */
export interface OutdateRequest {
  readonly kind: 'outdate'
  readonly from: NodeName
  readonly bootId: BootId
  /** 16 hex digits, random: the answer to one fence-peer call. */
  readonly id: string
  readonly resource: string
}

export type OutdateResult = 'outdated' | 'absent' | 'primary' | 'failed'

export interface OutdateReply {
  readonly kind: 'outdated'
  readonly from: NodeName
  readonly bootId: BootId
  readonly id: string
  readonly resource: string
  /** `outdated`: done and durable. `absent`: this boot has no such resource. `primary`, `failed`: no. */
  readonly result: OutdateResult
  readonly detail: string
}

export type MeshMessage = Beat | Ack | OutdateRequest | OutdateReply
