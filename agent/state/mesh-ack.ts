/** What is believed of an acknowledgement: the lease, the boot that it names, and what it says about others. */
import type { NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { Ack, SaidStatement } from '../wire/mesh-types.ts'
import type { Condemnation, HeardStatement, MeshState, Peer, PeerLife } from './mesh-model.ts'
import { editPeer, putPeer } from './mesh-peers.ts'

/** An acknowledgement counts only as the answer to a beat of ours that waits for it. */
export function ackHeard(mesh: MeshState, ack: Ack, at: MonoMs): MeshState {
  const asked = mesh.pending.get(ack.nonce)
  const known = mesh.peers.get(ack.from)
  if (asked === undefined || known === undefined || asked.to !== ack.from) return mesh
  if (ack.yourBootId !== mesh.life.bootId || known.condemned.has(ack.bootId)) return mesh
  const pending = new Map(mesh.pending)
  pending.delete(ack.nonce)

  const lived = liveIn(known, ack, asked.sentAt, mesh.turnAt, at)
  if (lived === undefined) return { ...mesh, pending }
  const granted = ack.granted && ack.membersHash === mesh.members?.hash
  const peer: Peer = {
    ...lived,
    heardAt: Math.max(lived.heardAt ?? at, at),
    leaseFrom: granted ? Math.max(lived.leaseFrom ?? asked.sentAt, asked.sentAt) : lived.leaseFrom,
    recordsOff: lived.recordsOff || (ack.recorded && asked.watchdog === 'off'),
    refusesUs: lived.refusesUs || ack.refused === 'condemned',
  }
  const heard = ack.statements.map(said => ({
    said,
    membersHash: ack.membersHash,
    askedAt: asked.sentAt,
    heardAt: at,
  }))
  return heard.reduce((next, one) => hearStatement(next, ack.from, one), putPeer({ ...mesh, pending }, peer))
}

/**
 * The peer in the boot that its acknowledgement names, or undefined when that says nothing. The acknowledgement was made after
 * `askedAt`; a boot that was heard of before that, and is not the one named, is over.
 */
function liveIn(peer: Peer, ack: Ack, askedAt: MonoMs, turnAt: MonoMs, at: MonoMs): Peer | undefined {
  if (peer.life?.bootId === ack.bootId) return peer
  if (peer.life !== undefined && peer.bootSince >= askedAt) return undefined
  const { bootId, incarnation, membersHash } = ack
  const life: PeerLife = { bootId, incarnation, seq: -1, armed: false, resetMs: 0, membersHash }
  const next: Peer = {
    ...peer,
    life,
    bootSince: at,
    quietFrom: turnAt,
    owed: undefined,
    leaseFrom: undefined,
    copies: new Map(),
    statements: new Map(),
  }
  if (peer.life === undefined) return next
  return condemn(next, { bootId: peer.life.bootId, by: 'new-boot', at: turnAt, saved: false })
}

/** The first reason stands; being on disk is never taken back. */
export function condemn(peer: Peer, { bootId, by, at, saved }: Condemnation): Peer {
  const before = peer.condemned.get(bootId)
  if (before !== undefined && (before.saved || !saved)) return peer
  const entry = before === undefined ? { bootId, by, at, saved } : { ...before, saved }
  return { ...peer, condemned: new Map(peer.condemned).set(bootId, entry) }
}

function hearStatement(mesh: MeshState, from: NodeName, heard: HeardStatement): MeshState {
  const { said, askedAt } = heard
  const learned = learnCondemned(mesh, from, said)
  return editPeer(learned, from, peer => {
    const before = peer.statements.get(said.about)
    if (before !== undefined && before.askedAt >= askedAt) return peer
    const copies = new Map(said.copiesCut ? peer.copies.get(said.about) : [])
    for (const resource of said.currentCopies) copies.set(resource, askedAt)
    return {
      ...peer,
      statements: new Map(peer.statements).set(said.about, heard),
      copies: new Map(peer.copies).set(said.about, copies),
    }
  })
}

/** That a boot is over stays true, whoever proved it. */
function learnCondemned(mesh: MeshState, from: NodeName, said: SaidStatement): MeshState {
  if (said.about === mesh.self) {
    if (!said.condemned.includes(mesh.life.bootId)) return mesh
    return editPeer(mesh, from, peer => ({ ...peer, refusesUs: true }))
  }
  return said.condemned.reduce(
    (next, bootId) =>
      editPeer(next, said.about, peer =>
        condemn(peer, { bootId, by: 'told', at: next.turnAt, saved: false }),
      ),
    mesh,
  )
}
