/** Whether this node may feed its watchdog, and until when: only by a majority of fresh grants. */
import type { MonoMs } from '#kit/clock.ts'
import { LEAST_MEMBERS, type MeshState, majority } from '../state/mesh-model.ts'
import type { Policy } from './policy.ts'

export type Lease =
  | { readonly kind: 'held'; readonly until: MonoMs }
  | { readonly kind: 'none'; readonly because: string }

export function decideLease(mesh: MeshState, policy: Policy, now: MonoMs): Lease {
  const { members } = mesh
  if (members === undefined) return none('the members are not known yet')
  if (!members.list.some(member => member.node === mesh.self)) return none('this node is no member')
  if (members.list.length < LEAST_MEMBERS)
    return none('fewer than three members: nobody could tell who is alone')
  const grants = members.list
    .map(member => (member.node === mesh.self ? undefined : mesh.peers.get(member.node)?.leaseFrom))
    .filter(from => from !== undefined)
    .sort((left, right) => right - left)
  // The lease lasts as long as the oldest of those grants that make up the majority.
  const from = grants[majority(members) - 2]
  if (from === undefined) return none('no majority of members has granted anything')
  const until = from + policy.lease.leaseMs
  return until > now ? { kind: 'held', until } : none('the grants of a majority have run out')
}

function none(because: string): Lease {
  return { kind: 'none', because }
}
