/** The answer to DRBD 8.4's fence-peer handler: an exit code with proof, patience, or a refusal with its reason. */
import type { NodeName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { Resource } from '../state/drbd-model.ts'
import type { FenceRequest } from '../state/fence.ts'
import type { Peer } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import type { FenceExit } from './effects.ts'
import { peerNode } from './peer-node.ts'
import type { Policy } from './policy.ts'
import { condemnedNow } from './survey.ts'

export type FenceVerdict =
  /** 4: its copy is outdated. 5: it lives, without the resource. 7: its boot is over. 1: no proof, nothing changes. */
  | { readonly kind: 'exit'; readonly exit: FenceExit; readonly because: string }
  | {
      readonly kind: 'wait'
      readonly because: string
      readonly askPeer: NodeName | undefined
      readonly until: MonoMs
    }

const PATIENT = Number.POSITIVE_INFINITY

export function decideFencePeer(
  state: NodeState,
  request: FenceRequest,
  policy: Policy,
  now: MonoMs,
): FenceVerdict {
  const { drbd, mesh } = state
  const patience = request.askedAt + policy.promoteWaitMs
  if (drbd.phase === 'no module') return exit(1, 'this kernel has no DRBD')
  if (drbd.phase !== 'live') return waitOrGiveUp('the state of DRBD is being read again', patience, now)
  if (drbd.familyVersion !== 1) return exit(1, 'DRBD 9: not decided here')
  const resource = drbd.resources.get(request.resource)
  if (resource === undefined) return exit(1, 'there is no such resource here')
  const connection = [...resource.connections.values()][0]
  if (connection === undefined || resource.connections.size > 1)
    return exit(1, 'it has not exactly one connection')
  if (connection.state === 'Connected')
    return waitOrGiveUp('the peer is connected', request.askedAt + policy.connectedGraceMs, now)
  const node = peerNode(mesh.members, connection)
  const peer = node === undefined ? undefined : mesh.peers.get(node)
  const until = resource.role === 'Primary' ? PATIENT : patience
  if (peer === undefined) return waitOrGiveUp('no member has the address of the peer', until, now)
  return byPeer(resource, request, peer, until, now)
}

function byPeer(
  resource: Resource,
  request: FenceRequest,
  peer: Peer,
  until: MonoMs,
  now: MonoMs,
): FenceVerdict {
  const unfit = whyNotCurrent(resource)
  if (unfit !== undefined) return waitOrGiveUp(unfit, until, now)
  const reply = request.reply?.from === peer.node ? request.reply : undefined
  if (reply?.result === 'outdated') return exit(4, 'the peer has outdated its copy')
  if (reply?.result === 'absent' && isNewBoot(peer, reply.bootId))
    return exit(5, 'the peer lives in a new boot without this resource')
  if (condemnedNow(peer) !== undefined) return exit(7, 'the boot of the peer is over')
  const because =
    reply === undefined
      ? 'the peer is not proven over and has not answered'
      : `the peer answers: ${reply.result}`
  return waitOrGiveUp(because, until, now, peer.node)
}

/**
 * Each of the three codes makes our copy the one that counts, so it must be current already. Without the policy a primary
 * over there may have gone on while we were away; after a reboot (Consistent) we cannot know.
 */
function whyNotCurrent(resource: Resource): string | undefined {
  const devices = [...resource.devices.values()]
  if (devices.length === 0 || devices.some(device => device.disk !== 'UpToDate'))
    return 'the disk here is not UpToDate'
  if (devices.some(device => device.fencing !== 'resource-and-stonith'))
    return 'its fencing policy is not resource-and-stonith'
  return undefined
}

/** It was in another boot when it last had the resource: that one is over. */
function isNewBoot(peer: Peer, bootId: string): boolean {
  if (peer.life?.bootId !== bootId) return false
  return (
    [...peer.condemned.values()].some(entry => entry.saved && entry.bootId !== bootId) &&
    condemnedNow(peer) === undefined
  )
}

function waitOrGiveUp(because: string, until: MonoMs, now: MonoMs, askPeer?: NodeName): FenceVerdict {
  if (now >= until) return exit(1, because)
  return { kind: 'wait', because, askPeer, until }
}

function exit(code: FenceExit, because: string): FenceVerdict {
  return { kind: 'exit', exit: code, because }
}
