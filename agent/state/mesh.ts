/** Folds what happens between agents into the mesh slice. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import type { Ack, Beat, WatchdogWord } from '../wire/mesh-types.ts'
import { ackHeard, condemn } from './mesh-ack.ts'
import { firstLife, foldLife, isNewer, judgeBeat, sameLife } from './mesh-judge.ts'
import {
  type Answer,
  type Condemnation,
  LATE_MS,
  type Life,
  type Members,
  type MeshState,
  PENDING_MS,
  type Peer,
  type PeerLife,
} from './mesh-model.ts'
import { editPeer, newPeer, putPeer } from './mesh-peers.ts'

/** What this node keeps on disk about one other node. */
export interface SavedPeer {
  readonly node: NodeName
  readonly life: PeerLife | undefined
  readonly condemned: readonly { readonly bootId: BootId; readonly by: Condemnation['by'] }[]
}

export type MeshEvent =
  /** Before the first turn, from disk. */
  | { readonly kind: 'peers-loaded'; readonly peers: readonly SavedPeer[] }
  | { readonly kind: 'members-set'; readonly members: Members }
  /** `at` is read before the datagram leaves. */
  | {
      readonly kind: 'beat-sent'
      readonly to: NodeName
      readonly nonce: string
      readonly watchdog: WatchdogWord
      readonly at: MonoMs
    }
  | { readonly kind: 'beat-heard'; readonly beat: Beat; readonly via: string; readonly at: MonoMs }
  | { readonly kind: 'ack-heard'; readonly ack: Ack; readonly at: MonoMs }
  /** Durable on disk. */
  | { readonly kind: 'life-saved'; readonly node: NodeName; readonly life: PeerLife }
  | {
      readonly kind: 'condemned'
      readonly node: NodeName
      readonly bootId: BootId
      readonly by: Condemnation['by']
      readonly at: MonoMs
    }

export function emptyMesh(self: NodeName, life: Life, startedAt: MonoMs): MeshState {
  return {
    self,
    life,
    startedAt,
    members: undefined,
    heldBack: undefined,
    peers: new Map(),
    pending: new Map(),
    turnAt: startedAt,
    lateAt: undefined,
    answers: [],
  }
}

export function reduceMesh(mesh: MeshState, event: MeshEvent): MeshState {
  switch (event.kind) {
    case 'peers-loaded':
      return event.peers.reduce((next, saved) => putPeer(next, loadedPeer(next, saved)), mesh)
    case 'members-set':
      return setMembers(mesh, event.members)
    case 'beat-sent':
      return beatSent(mesh, event)
    case 'beat-heard':
      return beatHeard(mesh, event.beat, event.via, event.at)
    case 'ack-heard':
      return ackHeard(mesh, event.ack, event.at)
    case 'life-saved':
      return answer(
        editPeer(mesh, event.node, peer => ({ ...peer, saved: event.life })),
        event.node,
      )
    case 'condemned':
      return editPeer(mesh, event.node, peer => condemn(peer, { ...event, saved: true }))
    default:
      return unreachable(event)
  }
}

/** A new turn of the loop. One that comes late, or from a clock that went back, knows less than it remembers. */
export function turnMesh(mesh: MeshState, at: MonoMs): MeshState {
  const gap = at - mesh.turnAt
  const turned = { ...mesh, turnAt: at, answers: [] }
  if (gap >= 0 && gap <= LATE_MS) return { ...turned, pending: recent(mesh, at) }
  const peers = new Map([...mesh.peers].map(([node, peer]) => [node, doubt(peer, mesh.turnAt, at)]))
  return { ...turned, peers, pending: new Map(), lateAt: at }
}

/** The time that the loop did not see counts neither as a lease nor as silence. */
function doubt(peer: Peer, before: MonoMs, at: MonoMs): Peer {
  if (at >= before) {
    return { ...peer, leaseFrom: undefined, quietFrom: Math.min(at, peer.quietFrom + (at - before)) }
  }
  return {
    ...peer,
    leaseFrom: undefined,
    quietFrom: at,
    bootSince: Math.min(peer.bootSince, at),
    heardAt: peer.heardAt === undefined ? undefined : Math.min(peer.heardAt, at),
    beatAt: undefined,
    statements: new Map(),
    copies: new Map(),
  }
}

function recent(mesh: MeshState, at: MonoMs): MeshState['pending'] {
  const oldest = at - PENDING_MS
  // Insertion order is time order: the first one tells whether anything is old.
  for (const beat of mesh.pending.values()) {
    if (beat.sentAt >= oldest) break
    return new Map([...mesh.pending].filter(([, pending]) => pending.sentAt >= oldest))
  }
  return mesh.pending
}

function loadedPeer(mesh: MeshState, saved: SavedPeer): Peer {
  const condemned = saved.condemned.map(({ bootId, by }): [BootId, Condemnation] => [
    bootId,
    { bootId, by, at: mesh.startedAt, saved: true },
  ])
  const peer = mesh.peers.get(saved.node) ?? newPeer(saved.node, mesh.startedAt)
  return { ...peer, life: saved.life, saved: saved.life, condemned: new Map(condemned) }
}

/** Nodes that are no members any more keep what is known of them; only members are asked and counted. */
function setMembers(mesh: MeshState, members: Members): MeshState {
  const peers = new Map(mesh.peers)
  for (const { node } of members.list) {
    if (node !== mesh.self && !peers.has(node)) peers.set(node, newPeer(node, mesh.turnAt))
  }
  return { ...mesh, members, heldBack: undefined, peers }
}

function beatSent(mesh: MeshState, event: MeshEvent & { kind: 'beat-sent' }): MeshState {
  const { to, nonce, watchdog, at } = event
  const pending = new Map(mesh.pending).set(nonce, { to, sentAt: at, watchdog })
  return editPeer({ ...mesh, pending }, to, peer => ({ ...peer, beatAt: at }))
}

function beatHeard(mesh: MeshState, beat: Beat, via: string, at: MonoMs): MeshState {
  if (beat.from === mesh.self) return mesh
  const peer = mesh.peers.get(beat.from)
  const refused = judgeBeat(mesh, peer, beat)
  if (peer === undefined || refused === 'condemned')
    return say(mesh, {
      to: beat.from,
      via,
      nonce: beat.nonce,
      bootId: beat.bootId,
      refused: refused ?? 'members',
      recorded: false,
    })
  // Another boot is believed only in a fresh acknowledgement: a beat may have been on its way for long.
  if (peer.life !== undefined && peer.life.bootId !== beat.bootId) return mesh
  if (peer.life !== undefined && !isNewer(peer.life, beat)) return mesh

  const life = peer.life === undefined ? firstLife(beat) : foldLife(peer.life, beat)
  const changed = !sameLife(peer.life, life)
  const heard: Peer = {
    ...peer,
    life,
    bootSince: peer.life === undefined ? at : peer.bootSince,
    heardAt: Math.max(peer.heardAt ?? at, at),
    quietFrom: changed ? mesh.turnAt : peer.quietFrom,
  }
  return answer(putPeer(mesh, { ...heard, owed: { via, nonce: beat.nonce } }), heard.node)
}

/** What is not on disk is not acknowledged yet. A grant is noted before it leaves. */
function answer(mesh: MeshState, node: NodeName): MeshState {
  const peer = mesh.peers.get(node)
  if (peer?.owed === undefined || peer.life === undefined || !sameLife(peer.saved, peer.life)) return mesh
  const { bootId, membersHash } = peer.life
  const refused = judgeBeat(mesh, peer, { from: node, bootId, membersHash })
  const quietFrom = refused === undefined ? mesh.turnAt : peer.quietFrom
  const answered = putPeer(mesh, { ...peer, owed: undefined, quietFrom })
  return say(answered, { ...peer.owed, to: node, bootId, refused, recorded: true })
}

function say(mesh: MeshState, answer: Answer): MeshState {
  return { ...mesh, answers: [...mesh.answers, answer] }
}
