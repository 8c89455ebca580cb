/** Which lost nodes this agent takes care of now, and for which resources that is proven. */

import { backoffMs } from '#kit/backoff.ts'
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { type FailoverRun, failoverKey } from '../state/failover.ts'
import type { Condemnation, Peer } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import type { Policy } from './policy.ts'
import { condemnedNow, type Sight, type Survey } from './survey.ts'

export type FailoverVerdict =
  | { readonly kind: 'none'; readonly because: string }
  | { readonly kind: 'wait'; readonly because: string; readonly until: MonoMs }
  | {
      readonly kind: 'act'
      readonly because: string
      readonly bootId: BootId
      readonly proven: readonly ResourceName[]
    }

/** What is proven about the volumes of a condemned node. */
export interface ProvenResources {
  /** Whose copy is current, by resource. */
  readonly by: ReadonlyMap<ResourceName, NodeName>
  readonly missing: ReadonlyMap<ResourceName, string>
}

export function decideFailover(
  state: NodeState,
  survey: Survey,
  sight: Sight,
  policy: Policy,
  now: MonoMs,
): FailoverVerdict {
  const { peer, condemned } = sight
  if (condemned === undefined) return none('its boot is not proven over')
  // What came in this boot before the verdict is no news; a message of another boot would have changed the life.
  const { by, missing } = provenResources(state, survey, sight, condemned)
  const proven = [...by.keys()].sort()
  if (proven.length === 0)
    return none([...missing.values()][0] ?? 'no survivor has a current copy of a volume of it')
  const run = state.failovers.get(failoverKey(peer.node, condemned.bootId))
  const left = proven.filter(resource => run?.handled.has(resource) !== true)
  if (run?.phase === 'acting') return none('it is being carried out here')
  const recheckAt = left.length > 0 ? now : (run?.endedAt ?? now) + policy.recheckMs
  if (recheckAt > now)
    return { kind: 'wait', because: 'it was carried out; looked at again later', until: recheckAt }
  if (state.api.reachable === false) return none('the API server cannot be reached from here')
  if (someoneIsDone(survey, sight)) return none('another survivor has carried it out')
  const until = turnOf(state, survey, sight, condemned, policy, by)
  const again = run?.phase === 'failed' ? retryAt(run, policy) : now
  const dueAt = Math.max(until.at, again)
  if (dueAt > now)
    return {
      kind: 'wait',
      because: again > until.at ? 'it is tried again later' : until.because,
      until: dueAt,
    }
  return {
    kind: 'act',
    because: 'its boot is over and a current copy is at hand',
    bootId: condemned.bootId,
    proven,
  }
}

/** The last look before each write: the verdict stands, and nothing was heard of a newer boot since. */
export function stillOver({ mesh }: NodeState, node: NodeName, bootId: BootId): boolean {
  const peer = mesh.peers.get(node)
  return peer?.life?.bootId === bootId && condemnedNow(peer)?.bootId === bootId
}

/** Own copies by own evidence; those of others by what they said after the verdict, as long as they are there. */
export function provenResources(
  state: NodeState,
  survey: Survey,
  { peer, evidence }: Sight,
  condemned: Condemnation,
): ProvenResources {
  const by = new Map<ResourceName, NodeName>()
  const missing = new Map<ResourceName, string>()
  for (const { peer: other, suspicion, condemned: otherCondemned } of survey.values()) {
    if (other.node === peer.node || suspicion.kind !== 'alive' || otherCondemned !== undefined) continue
    for (const [resource, askedAt] of other.copies.get(peer.node) ?? []) {
      // Asked before the verdict it may have gone on without that copy.
      if (askedAt > condemned.at) by.set(resource as ResourceName, other.node)
    }
  }
  for (const { resource, missing: why } of evidence) {
    if (why === undefined) by.set(resource, state.mesh.self)
    else if (!by.has(resource)) missing.set(resource, why)
  }
  return { by, missing }
}

/** Survivors with current copies first, then by name; each waits for those before it. */
function turnOf(
  state: NodeState,
  survey: Survey,
  lost: Sight,
  condemned: Condemnation,
  policy: Policy,
  by: ProvenResources['by'],
): { readonly at: MonoMs; readonly because: string } {
  const copies = (node: NodeName): number => [...by.values()].filter(holder => holder === node).length
  const survivors = [...survey.values()].filter(
    ({ peer, suspicion, condemned: over }) =>
      peer.node !== lost.peer.node && suspicion.kind === 'alive' && over === undefined,
  )
  const rank = [state.mesh.self, ...survivors.map(({ peer }) => peer.node)].sort(
    (left, right) => copies(right) - copies(left) || (left < right ? -1 : 1),
  )
  const before = rank.slice(0, rank.indexOf(state.mesh.self))
  const acting = before.find(node => wordOf(survey.get(node)?.peer, lost.peer) === 'acting')
  if (acting !== undefined)
    return { at: condemned.at + policy.actingMs * before.length, because: `${acting} carries it out` }
  return { at: condemned.at + policy.takeoverMs * before.length, because: `${before[0] ?? ''} is before us` }
}

function someoneIsDone(survey: Survey, lost: Sight): boolean {
  return [...survey.values()].some(
    ({ peer, suspicion }) => suspicion.kind === 'alive' && wordOf(peer, lost.peer) === 'done',
  )
}

/** What a survivor said about its failover of this very boot. */
function wordOf(survivor: Peer | undefined, lost: Peer): 'none' | 'acting' | 'done' {
  const said = survivor?.statements.get(lost.node)?.said
  return said?.life?.bootId === lost.life?.bootId ? (said?.failover ?? 'none') : 'none'
}

function retryAt(run: FailoverRun, policy: Policy): MonoMs {
  return (run.endedAt ?? run.beganAt) + backoffMs(run.attempts, policy.retryMs, policy.retryCapMs)
}

function none(because: string): FailoverVerdict {
  return { kind: 'none', because }
}
