/** Runs all deciders on one turn: what is to be done, when to look again, and what was decided. */
import type { MonoMs } from '#kit/clock.ts'
import type { Decision } from '../state/decisions.ts'
import { sameLife } from '../state/mesh-judge.ts'
import type { NodeState } from '../state/node-state.ts'
import { decideComeback } from './comeback.ts'
import { type Effect, withoutRepeats } from './effects.ts'
import { decideFailover } from './failover.ts'
import { decideFencePeer } from './fence-peer.ts'
import { decideAcks } from './grant.ts'
import { decideLease } from './lease.ts'
import { decideOutdate, toOutdateEffect } from './outdate.ts'
import type { Policy } from './policy.ts'
import { decideProof } from './proof.ts'
import { decideReboot } from './reboot.ts'
import { makeSurvey, type Sight, type Survey } from './survey.ts'
import { decideWatchdog, watchdogWord } from './watchdog.ts'

export interface Plan {
  /** In order: what must happen first stands first. */
  readonly effects: readonly Effect[]
  /** Look again at this time at the latest, even if nothing happens. */
  readonly wakeAt: MonoMs
  readonly decisions: readonly Decision[]
  /** A clean stop was asked for and the watchdog is out of the way: the process may end. */
  readonly mayStop: boolean
}

/** What one decider adds to the plan. */
interface Part {
  readonly effects: readonly Effect[]
  readonly wakeAt: MonoMs
  readonly decisions: readonly Decision[]
}

const LATER = Number.POSITIVE_INFINITY

/** `now` is the time of the turn: `state.mesh.turnAt`. */
export function makePlan(state: NodeState, policy: Policy, now: MonoMs): Plan {
  const because = decideReboot(state)
  if (because !== undefined) {
    const decision: Decision = { topic: 'reboot', subject: state.mesh.self, verdict: 'reboot', because }
    return {
      effects: [{ kind: 'reboot', because }],
      wakeAt: now + policy.lease.beatMs,
      decisions: [decision],
      mayStop: false,
    }
  }
  const survey = makeSurvey(state, policy, now)
  const watchdog = decideWatchdog(state.mesh, state.watchdog, policy, now)
  const parts = [
    part(savesOf(state)),
    own(state, policy, now, watchdog),
    part(decideAcks(state, survey, policy, now)),
    part(beatsOf(state, policy, now), nextBeat(state, policy, now)),
    fences(state, policy, now),
    ...[...survey.values()].map(sight => aboutPeer(state, survey, sight, policy, now)),
    comeback(state, policy, now),
  ]
  return {
    effects: withoutRepeats(parts.flatMap(({ effects }) => effects)),
    wakeAt: nextTurn(parts, policy, now),
    decisions: parts.flatMap(({ decisions }) => decisions),
    mayStop: state.watchdog.stopping && watchdog.verdict === 'stopped' && watchdog.effects.length === 0,
  }
}

/** What was due already waits for news, not for time: a turn of its own would change nothing. */
function nextTurn(parts: readonly Part[], policy: Policy, now: MonoMs): MonoMs {
  const ahead = parts.map(({ wakeAt }) => wakeAt).filter(wakeAt => wakeAt > now)
  return Math.min(now + policy.lease.beatMs, ...ahead)
}

function part(effects: readonly Effect[], wakeAt = LATER, decisions: readonly Decision[] = []): Part {
  return { effects, wakeAt, decisions }
}

/** Whatever is known and not yet on disk. */
function savesOf({ mesh }: NodeState): readonly Effect[] {
  return [...mesh.peers.values()].flatMap((peer): Effect[] => {
    const condemned = [...peer.condemned.values()].filter(({ saved }) => !saved)
    return [
      ...condemned.map(({ bootId, by }): Effect => ({ kind: 'condemn', node: peer.node, bootId, by })),
      ...(peer.life === undefined || sameLife(peer.life, peer.saved)
        ? []
        : [{ kind: 'save-life', node: peer.node, life: peer.life } as const]),
    ]
  })
}

function own(
  state: NodeState,
  policy: Policy,
  now: MonoMs,
  watchdog: ReturnType<typeof decideWatchdog>,
): Part {
  const lease = decideLease(state.mesh, policy, now)
  const subject = state.mesh.self
  const leaseBecause = lease.kind === 'held' ? 'a majority grants it' : lease.because
  const fedAt = state.watchdog.fedAt ?? now
  return part(watchdog.effects, fedAt + policy.feedEveryMs, [
    { topic: 'lease', subject, verdict: lease.kind, because: leaseBecause },
    { topic: 'watchdog', subject, verdict: watchdog.verdict, because: watchdog.because },
  ])
}

function beatsOf({ mesh, watchdog }: NodeState, policy: Policy, now: MonoMs): readonly Effect[] {
  const { members } = mesh
  if (members === undefined) return []
  return members.list.flatMap((member): Effect[] => {
    const beatAt = mesh.peers.get(member.node)?.beatAt
    const address = member.addresses[0]
    if (member.node === mesh.self || address === undefined) return []
    if (beatAt !== undefined && now < beatAt + policy.lease.beatMs) return []
    return [
      {
        kind: 'send-beat',
        to: member.node,
        address,
        beat: {
          kind: 'beat',
          from: mesh.self,
          bootId: mesh.life.bootId,
          incarnation: mesh.life.incarnation,
          watchdog: watchdogWord(watchdog),
          resetMs: watchdog.resetMs,
          membersHash: members.hash,
        },
      },
    ]
  })
}

function nextBeat({ mesh }: NodeState, policy: Policy, now: MonoMs): MonoMs {
  const sent = [...mesh.peers.values()].flatMap(({ beatAt }) => beatAt ?? [])
  return Math.min(now, ...sent) + policy.lease.beatMs
}

function fences(state: NodeState, policy: Policy, now: MonoMs): Part {
  const effects: Effect[] = []
  const decisions: Decision[] = []
  let wakeAt = LATER
  for (const asked of state.fence.asked) {
    const verdict = decideOutdate(state, asked)
    effects.push(toOutdateEffect(state, asked, verdict))
    const [word, because] =
      verdict.kind === 'outdate'
        ? ['outdate', 'the other agent asks for it']
        : [verdict.result, verdict.because]
    decisions.push({ topic: 'outdate', subject: asked.request.resource, verdict: word, because })
  }
  for (const request of state.fence.requests.values()) {
    const verdict = decideFencePeer(state, request, policy, now)
    const word = verdict.kind === 'exit' ? `exit ${verdict.exit}` : 'wait'
    decisions.push({
      topic: 'fence-peer',
      subject: request.resource,
      verdict: word,
      because: verdict.because,
    })
    if (verdict.kind === 'exit') {
      effects.push({ kind: 'answer-fence', id: request.id, exit: verdict.exit, because: verdict.because })
      continue
    }
    wakeAt = Math.min(wakeAt, verdict.until, now + policy.outdateEveryMs)
    effects.push(...askPeer(state, request, verdict.askPeer, policy, now))
  }
  return { effects, wakeAt, decisions }
}

function askPeer(
  { mesh }: NodeState,
  request: { readonly id: string; readonly resource: string; readonly outdateSentAt: MonoMs | undefined },
  node: string | undefined,
  policy: Policy,
  now: MonoMs,
): readonly Effect[] {
  const address = mesh.members?.list.find(member => member.node === node)?.addresses[0]
  const due = request.outdateSentAt === undefined || now >= request.outdateSentAt + policy.outdateEveryMs
  if (address === undefined || !due) return []
  const { id, resource } = request
  return [
    {
      kind: 'send-outdate',
      address,
      request: { kind: 'outdate', from: mesh.self, bootId: mesh.life.bootId, id, resource },
    },
  ]
}

function aboutPeer(state: NodeState, survey: Survey, sight: Sight, policy: Policy, now: MonoMs): Part {
  const { node } = sight.peer
  const decisions: Decision[] = []
  const effects: Effect[] = []
  let wakeAt = sight.suspicion.kind === 'alive' ? sight.suspicion.until + 1 : LATER
  const suspected = sight.suspicion.kind === 'suspected'
  decisions.push({
    topic: 'suspicion',
    subject: node,
    verdict: sight.suspicion.kind,
    because: suspected ? 'no message for longer than suspectMs' : '',
  })
  if (!suspected && sight.condemned === undefined) return { effects, wakeAt, decisions }

  const proof = decideProof(state.mesh, policy, node, now)
  const why = proof.kind === 'over' ? proof.because : proof.missing
  decisions.push({ topic: 'proof', subject: node, verdict: proof.kind, because: why })
  if (proof.kind === 'unproven')
    return { effects, wakeAt: Math.min(wakeAt, whenNotPast(proof.earliest, now)), decisions }
  if (sight.peer.condemned.get(proof.bootId) === undefined)
    effects.push({ kind: 'condemn', node, bootId: proof.bootId, by: 'lease' })

  for (const { resource, missing } of sight.evidence)
    decisions.push({
      topic: 'evidence',
      subject: `${resource} ${node}`,
      verdict: missing === undefined ? 'current' : 'unproven',
      because: missing ?? 'our copy is current and nobody else can acknowledge a write',
    })
  const failover = decideFailover(state, survey, sight, policy, now)
  decisions.push({ topic: 'failover', subject: node, verdict: failover.kind, because: failover.because })
  if (failover.kind === 'wait') wakeAt = Math.min(wakeAt, failover.until)
  if (failover.kind === 'act')
    effects.push({ kind: 'failover', node, bootId: failover.bootId, proven: failover.proven })
  return { effects, wakeAt, decisions }
}

/** A time that has passed brings nothing by itself: then only a newer word of another member does, and that wakes us. */
function whenNotPast(at: MonoMs | undefined, now: MonoMs): MonoMs {
  return at === undefined || at <= now ? LATER : at
}

function comeback(state: NodeState, policy: Policy, now: MonoMs): Part {
  const verdict = decideComeback(state, decideLease(state.mesh, policy, now))
  const decision: Decision = {
    topic: 'comeback',
    subject: state.mesh.self,
    verdict: verdict.kind,
    because: verdict.because,
  }
  return part(verdict.kind === 'untaint' ? [{ kind: 'untaint', value: verdict.value }] : [], LATER, [
    decision,
  ])
}
