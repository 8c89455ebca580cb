/** The messages between agents, as values; `mesh-message.ts` turns them into datagrams and back. */
import type { BootId, NodeName } from '#kit/brand.ts'

/** "I live in this boot; grant me the lease." Sent every `beatMs` to every other member, heard or not. */
export interface Beat {
  readonly kind: 'beat'
  readonly from: NodeName
  readonly bootId: BootId
  readonly incarnation: number
  readonly seq: number
  /** 16 hex digits, random: comes back in the acknowledgement and makes it fresh. */
  readonly nonce: string
  readonly armed: boolean
  readonly membersHash: string
}

export interface SaidStatement {
  readonly about: NodeName
  readonly bootId?: BootId
  readonly armed?: boolean
  readonly membersHash?: string
  readonly sinceGrantMs: number
  readonly suspects: boolean
  readonly currentCopies: readonly string[]
  readonly failover: 'none' | 'acting' | 'done'
}

export type Refusal = 'condemned' | 'members' | 'disarming'

/** The answer to one beat. `granted` is the lease; without it the reason stands in `refused`. */
export interface Ack {
  readonly kind: 'ack'
  readonly from: NodeName
  readonly bootId: BootId
  readonly incarnation: number
  readonly armed: boolean
  readonly membersHash: string
  readonly nonce: string
  /** The boot whose beat is answered. */
  readonly yourBootId: BootId
  readonly granted: boolean
  readonly refused?: Refusal
  readonly statements: readonly SaidStatement[]
}

/** "Outdate your copy of this resource" (fence-peer of 8.4), repeated until answered. */
export interface OutdateRequest {
  readonly kind: 'outdate'
  readonly from: NodeName
  readonly bootId: BootId
  readonly id: string
  readonly resource: string
}

export interface OutdateReply {
  readonly kind: 'outdated'
  readonly from: NodeName
  readonly bootId: BootId
  readonly id: string
  readonly resource: string
  /** `outdated`: done and durable. `absent`: this boot has no such resource. `primary`, `failed`: no. */
  readonly result: 'outdated' | 'absent' | 'primary' | 'failed'
  readonly detail: string
}

export type MeshMessage = Beat | Ack | OutdateRequest | OutdateReply
