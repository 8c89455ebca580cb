/** The peers of the mesh slice: a new one, and a state with one of them changed. */
import type { NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { MeshState, Peer } from './mesh-model.ts'

export function newPeer(node: NodeName, startedAt: MonoMs): Peer {
  return {
    node,
    life: undefined,
    bootSince: startedAt,
    saved: undefined,
    owed: undefined,
    heardAt: undefined,
    quietFrom: startedAt,
    leaseFrom: undefined,
    recordsOff: false,
    refusesUs: false,
    statements: new Map(),
    copies: new Map(),
    condemned: new Map(),
    beatAt: undefined,
  }
}

export function putPeer(mesh: MeshState, peer: Peer): MeshState {
  return { ...mesh, peers: new Map(mesh.peers).set(peer.node, peer) }
}

export function editPeer(mesh: MeshState, node: NodeName, edit: (peer: Peer) => Peer): MeshState {
  const peer = mesh.peers.get(node)
  if (peer === undefined) return mesh
  const next = edit(peer)
  return next === peer ? mesh : putPeer(mesh, next)
}
