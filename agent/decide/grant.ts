/** The acknowledgements of a turn: a beat is granted or refused, with what this node says about the others. */
import type { NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { failoverKey } from '../state/failover.ts'
import { sameLife } from '../state/mesh-judge.ts'
import type { Answer, Peer } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import type { Ack, FailoverWord, SaidLife, SaidStatement } from '../wire/mesh-types.ts'
import type { Effect } from './effects.ts'
import type { Policy } from './policy.ts'
import type { Sight, Survey } from './survey.ts'

/** One datagram holds about this many names; the others have their turn with the next beats. */
const COPIES_AT_ONCE = 20
const CONDEMNED_SAID = 2

export function decideAcks(state: NodeState, survey: Survey, policy: Policy, now: MonoMs): readonly Effect[] {
  const { members } = state.mesh
  // Without a list there is nothing to say, and nobody may count on us.
  if (members === undefined) return []
  return state.mesh.answers.map(answer => ({
    kind: 'send-ack',
    via: answer.via,
    ack: toAck(
      state,
      members.hash,
      answer,
      answer.recorded ? statementsFor(state, survey, policy, answer.to, now) : [],
    ),
  }))
}

function toAck(
  { mesh }: NodeState,
  membersHash: string,
  { nonce, bootId, refused, recorded }: Answer,
  statements: readonly SaidStatement[],
): Ack {
  return {
    kind: 'ack',
    from: mesh.self,
    bootId: mesh.life.bootId,
    incarnation: mesh.life.incarnation,
    membersHash,
    nonce,
    yourBootId: bootId,
    granted: refused === undefined,
    ...(refused === undefined ? {} : { refused }),
    recorded,
    statements,
    leftOff: 0,
  }
}

/** The lost ones first: they matter when not all fits. Each of them has its turn at the head. */
function statementsFor(
  state: NodeState,
  survey: Survey,
  policy: Policy,
  to: NodeName,
  now: MonoMs,
): readonly SaidStatement[] {
  const sights = [...survey.values()]
    .filter(({ peer }) => peer.node !== to && (peer.life !== undefined || peer.condemned.size > 0))
    .sort((left, right) => (left.peer.node < right.peer.node ? -1 : 1))
  const round = Math.floor(now / policy.lease.beatMs)
  const lost = turned(sights.filter(isLost), round)
  const others = turned(
    sights.filter(sight => !isLost(sight)),
    round,
  )
  return [...lost, ...others].map(sight => toStatement(state, sight, policy, now))
}

function turned<T>(all: readonly T[], by: number): readonly T[] {
  const start = all.length === 0 ? 0 : by % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}

function isLost(sight: Sight): boolean {
  return sight.suspicion.kind === 'suspected' || sight.condemned !== undefined
}

function toStatement(state: NodeState, sight: Sight, policy: Policy, now: MonoMs): SaidStatement {
  const { peer } = sight
  const life = saidLife(peer)
  const current = sight.evidence
    .filter(({ missing }) => missing === undefined)
    .map(({ resource }) => resource)
  return {
    about: peer.node,
    ...(life === undefined ? {} : { life }),
    // Rounded down: never longer than it was.
    quietMs: Math.max(0, Math.floor(now - peer.quietFrom)),
    suspects: sight.suspicion.kind === 'suspected',
    condemned: [...peer.condemned.values()]
      .filter(({ saved }) => saved)
      .slice(-CONDEMNED_SAID)
      .map(({ bootId }) => bootId),
    currentCopies: someOf(current, Math.floor(now / policy.lease.beatMs)),
    copiesCut: current.length > COPIES_AT_ONCE,
    failover: failoverWord(state, peer),
  }
}

/** Only what is on disk is said: it must hold after a restart too. */
function saidLife({ life, saved }: Peer): SaidLife | undefined {
  if (life === undefined || !sameLife(life, saved)) return undefined
  const { bootId, armed, resetMs, membersHash } = life
  return { bootId, armed, resetMs, membersHash }
}

function someOf<T>(all: readonly T[], round: number): readonly T[] {
  if (all.length <= COPIES_AT_ONCE) return all
  return turned(all, round * COPIES_AT_ONCE).slice(0, COPIES_AT_ONCE)
}

function failoverWord(state: NodeState, { node, life }: Peer): FailoverWord {
  const run = life === undefined ? undefined : state.failovers.get(failoverKey(node, life.bootId))
  if (run === undefined) return 'none'
  // One that fails because the API server does not answer leaves it to the others.
  if (run.phase === 'failed') return 'none'
  return run.phase
}
