/** Who is suspected to be lost: a hint that costs nothing, never a proof. */
import type { MonoMs } from '#kit/clock.ts'
import type { MeshState, Peer } from '../state/mesh-model.ts'
import type { Policy } from './policy.ts'

export type Suspicion =
  | { readonly kind: 'never-seen' }
  | { readonly kind: 'alive'; readonly until: MonoMs }
  | { readonly kind: 'suspected'; readonly since: MonoMs }

export function decideSuspicion(mesh: MeshState, peer: Peer, policy: Policy, now: MonoMs): Suspicion {
  // Silence begins with the last message, or when this loop, having been late, began to listen again: then it suspects itself first.
  const heardAt = peer.heardAt ?? (peer.life === undefined ? undefined : mesh.startedAt)
  if (heardAt === undefined) return { kind: 'never-seen' }
  const until = Math.max(heardAt, mesh.lateAt ?? heardAt) + policy.lease.suspectMs
  return now > until ? { kind: 'suspected', since: until } : { kind: 'alive', until }
}
