/** What several deciders need of the same turn, made once: who is suspected or condemned, and what that means for the copies here. */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { Condemnation, Peer } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import { type Evidence, gatherEvidence } from './evidence.ts'
import type { Policy } from './policy.ts'
import { decideSuspicion, type Suspicion } from './suspicion.ts'

export interface Sight {
  readonly peer: Peer
  readonly suspicion: Suspicion
  /** The verdict on its newest boot. */
  readonly condemned: Condemnation | undefined
  /** Of the resources shared with it; gathered only while it is suspected or condemned. */
  readonly evidence: readonly Evidence[]
}

/** By node, every other member. */
export type Survey = ReadonlyMap<NodeName, Sight>

export function makeSurvey(state: NodeState, policy: Policy, now: MonoMs): Survey {
  const { mesh, drbd } = state
  const survey = new Map<NodeName, Sight>()
  for (const { node } of mesh.members?.list ?? []) {
    const peer = mesh.peers.get(node)
    if (peer === undefined || node === mesh.self) continue
    const suspicion = decideSuspicion(mesh, peer, policy, now)
    const condemned = condemnedNow(peer)
    const lost = suspicion.kind === 'suspected' || condemned !== undefined
    survey.set(node, {
      peer,
      suspicion,
      condemned,
      evidence: lost ? gatherEvidence(drbd, mesh.members, node) : [],
    })
  }
  return survey
}

/** On disk, and about the newest boot that was heard of: only then anything follows. */
export function condemnedNow(peer: Peer): Condemnation | undefined {
  const bootId: BootId | undefined = peer.life?.bootId
  const found = bootId === undefined ? undefined : peer.condemned.get(bootId)
  return found?.saved === true ? found : undefined
}
