/** Whether a boot of another node is proven over: arithmetic of windows of time without a grant (docs/decisions/0004). */
import type { BootId, NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import {
  type HeardStatement,
  LEAST_MEMBERS,
  type Members,
  type MeshState,
  majority,
  type Peer,
  type PeerLife,
} from '../state/mesh-model.ts'
import type { SaidLife } from '../wire/mesh-types.ts'
import type { Policy } from './policy.ts'

export type Proof =
  | { readonly kind: 'over'; readonly bootId: BootId; readonly because: string }
  | {
      readonly kind: 'unproven'
      readonly missing: string
      /** When a proof could stand at the earliest, if the silence lasts; undefined: not by silence alone. */
      readonly earliest: MonoMs | undefined
    }

/** A span of our clock in which its member granted nothing, and what it says of the watchdog. */
interface Window {
  readonly from: MonoMs
  readonly to: MonoMs
  readonly resetMs: number
}

/** The newest boot of `node` that was heard of. A verdict that was reached once stands for ever. */
export function decideProof(mesh: MeshState, policy: Policy, node: NodeName, now: MonoMs): Proof {
  const peer = mesh.peers.get(node)
  const { members } = mesh
  if (members === undefined) return unproven('the members are not known yet')
  if (!isMember(members, mesh.self)) return unproven('this node is no member')
  if (node === mesh.self || !isMember(members, node)) return unproven('it is no other member')
  if (peer?.life === undefined) return unproven('it was never seen')
  const { life } = peer
  const standing = peer.condemned.get(life.bootId)
  if (standing !== undefined)
    return { kind: 'over', bootId: life.bootId, because: `condemned by ${standing.by}` }
  if (members.list.length < LEAST_MEMBERS) return unproven('fewer than three members')
  const refused = cannotCount(life, life.bootId, members)
  if (refused !== undefined) return unproven(`here: ${refused}`)
  return bySilence(mesh, peer, life, members, policy, now)
}

function bySilence(
  mesh: MeshState,
  peer: Peer,
  life: PeerLife,
  members: Members,
  policy: Policy,
  now: MonoMs,
): Proof {
  // With this many others than X, every majority that X could have is met.
  const needed = members.list.length - majority(members) + 1
  const own: Window = { from: peer.quietFrom, to: now, resetMs: life.resetMs }
  const windows = [own]
  const missing: string[] = []
  for (const { node } of members.list) {
    if (node === mesh.self || node === peer.node) continue
    const heard = mesh.peers.get(node)?.statements.get(peer.node)
    const refused = refusal(heard, life.bootId, members)
    if (refused !== undefined) missing.push(`${node}: ${refused}`)
    else if (heard !== undefined) windows.push(windowOf(heard))
  }
  if (windows.length < needed) return unproven(missing.join('; '))
  const silenceMs = silenceNeeded(policy, windows)
  const common = longestCommon(own, windows.slice(1), needed - 1)
  if (common.to - common.from >= silenceMs) {
    return {
      kind: 'over',
      bootId: life.bootId,
      because: 'a majority could not have fed its watchdog in time',
    }
  }
  return unproven('it was granted a lease too recently', common.from + silenceMs)
}

/** Lease, then the watchdog, then the margin; the largest time-out that anybody was told counts. */
function silenceNeeded(policy: Policy, windows: readonly Window[]): number {
  const resetMs = Math.max(policy.lease.watchdogMs, ...windows.map(window => window.resetMs))
  return policy.lease.leaseMs + resetMs + policy.lease.marginMs
}

/** The statement was made after the beat left and before its answer came: it says nothing about what followed. */
function windowOf({ said, askedAt, heardAt }: HeardStatement): Window {
  return { from: heardAt - said.quietMs, to: askedAt, resetMs: said.life?.resetMs ?? 0 }
}

/** The longest time that our window has in common with `count` of the others. */
function longestCommon(own: Window, others: readonly Window[], count: number): { from: MonoMs; to: MonoMs } {
  let best = { from: own.from, to: own.from }
  for (const start of [own.from, ...others.map(window => window.from)]) {
    const from = Math.max(own.from, start)
    const ends = others
      .filter(window => window.from <= from)
      .map(window => window.to)
      .sort((left, right) => right - left)
    if (ends.length < count) continue
    const to = Math.min(own.to, ends[count - 1] ?? own.to)
    if (to - from > best.to - best.from || best.to === best.from) best = { from, to }
  }
  return best
}

function refusal(heard: HeardStatement | undefined, boot: BootId, members: Members): string | undefined {
  if (heard === undefined) return 'has not said anything about it'
  if (heard.membersHash !== members.hash) return 'has another list of members'
  if (heard.said.life === undefined) return 'has not seen it'
  return cannotCount(heard.said.life, boot, members)
}

/** Why a member's silence towards X says nothing. */
function cannotCount(life: SaidLife, boot: BootId, members: Members): string | undefined {
  if (life.bootId !== boot) return 'knows another boot of it'
  if (life.membersHash !== members.hash) return 'it announced another list of members'
  if (!life.armed) return 'it has not announced a watchdog in this boot'
  return undefined
}

function isMember(members: Members, node: NodeName): boolean {
  return members.list.some(member => member.node === node)
}

function unproven(missing: string, earliest?: MonoMs): Proof {
  return { kind: 'unproven', missing, earliest }
}
