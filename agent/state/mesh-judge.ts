/** What a beat is worth: the rule by which a lease is granted or refused. */
import type { Beat, Refusal } from '../wire/mesh-types.ts'
import { LEAST_MEMBERS, type MeshState, type Peer, type PeerLife } from './mesh-model.ts'

/** Undefined: granted. */
export function judgeBeat(
  mesh: MeshState,
  peer: Peer | undefined,
  beat: Pick<Beat, 'from' | 'bootId' | 'membersHash'>,
): Refusal | undefined {
  if (peer?.condemned.has(beat.bootId) === true) return 'condemned'
  const { members } = mesh
  if (members === undefined || members.list.length < LEAST_MEMBERS) return 'members'
  if (!members.list.some(member => member.node === beat.from)) return 'members'
  return members.hash === beat.membersHash ? undefined : 'members'
}

/** A beat of the same boot that is not newer than what is known was late or is a repetition: nothing follows from it. */
export function isNewer(life: PeerLife, beat: Beat): boolean {
  if (beat.incarnation !== life.incarnation) return beat.incarnation > life.incarnation
  return beat.seq > life.seq
}

/** What a newer beat of the same boot makes of a life. */
export function foldLife(life: PeerLife, beat: Beat): PeerLife {
  // What an earlier process announced under another list binds nobody who counts under this one.
  const keeps = life.armed && life.membersHash === beat.membersHash
  const starting = beat.watchdog === 'starting'
  return {
    bootId: life.bootId,
    incarnation: beat.incarnation,
    seq: beat.seq,
    // A new process that has not opened the device cannot have stopped it either.
    armed: starting ? keeps : beat.watchdog === 'armed',
    resetMs: starting && keeps ? Math.max(life.resetMs, beat.resetMs) : beat.resetMs,
    membersHash: beat.membersHash,
  }
}

export function firstLife(beat: Beat): PeerLife {
  const { bootId, incarnation, seq, resetMs, membersHash } = beat
  return { bootId, incarnation, seq, armed: beat.watchdog === 'armed', resetMs, membersHash }
}

/**
 * Whether two say the same of everything that a proof rests on. A new process of the same boot says nothing new by that alone,
 * and when it does, its incarnation goes to disk with it.
 */
export function sameLife(left: PeerLife | undefined, right: PeerLife | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return (
    left.bootId === right.bootId &&
    left.armed === right.armed &&
    left.resetMs === right.resetMs &&
    left.membersHash === right.membersHash
  )
}
