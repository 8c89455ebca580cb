/** NodeState → the status document: what `hawser status` shows. */
import type { MonoMs } from '#kit/clock.ts'
import type {
  DecisionStatus,
  DecisionsDocument,
  NodeStatus,
  StatusDocument,
  VolumeStatus,
} from '#protocol/status.ts'
import { STATUS_MAX_DECISIONS, STATUS_MAX_VOLUMES } from '#protocol/status.ts'
import type { NotedDecision } from '../state/decisions.ts'
import type { Resource } from '../state/drbd-model.ts'
import { failoverKey } from '../state/failover.ts'
import { type MeshState, majority } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import { decideLease } from './lease.ts'
import type { Policy } from './policy.ts'
import { decideProof } from './proof.ts'
import { makeSurvey, type Sight } from './survey.ts'
import { outOfSync, peerWord, suspendedWords, worstDisk } from './volume-words.ts'

/** What the document says beside the state. `wallAt` turns a monotonic time into an ISO date for people. */
export interface StatusFrame {
  readonly agentVersion: string
  readonly now: MonoMs
  readonly wallAt: (at: MonoMs) => string
  /** From a kernel event to the start of what follows from it; undefined: there was none yet. */
  readonly kernelEvents?: StatusDocument['kernelEvents']
}

export function toStatus(state: NodeState, policy: Policy, frame: StatusFrame): StatusDocument {
  const { mesh, drbd, watchdog } = state
  const { now, wallAt } = frame
  const lease = decideLease(mesh, policy, now)
  const resources = [...drbd.resources.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  return {
    version: 1,
    node: mesh.self,
    agentVersion: frame.agentVersion,
    at: wallAt(now),
    bootId: mesh.life.bootId,
    drbd: {
      phase: drbd.phase,
      ...(drbd.familyVersion === undefined ? {} : { family: drbd.familyVersion }),
      unknown: [...drbd.unknown.values()].reduce((sum, count) => sum + count, 0),
    },
    members: {
      count: mesh.members?.list.length ?? 0,
      majority: mesh.members === undefined ? 0 : majority(mesh.members),
      hash: mesh.members?.hash ?? '',
      heldBack: mesh.heldBack !== undefined,
    },
    lease:
      lease.kind === 'held'
        ? { held: true, leftMs: Math.floor(lease.until - now), because: 'a majority grants it' }
        : { held: false, because: lease.because },
    watchdog: {
      device: watchdog.device,
      armed: watchdog.device === 'open',
      resetMs: watchdog.resetMs,
      ...msAgo('fedMsAgo', watchdog.fedAt, now),
      ...(watchdog.failure === undefined ? {} : { failure: watchdog.failure }),
    },
    ...(state.api.reachable === undefined ? {} : { apiReachable: state.api.reachable }),
    nodes: nodesOf(state, policy, now),
    volumes: resources.slice(0, STATUS_MAX_VOLUMES).map(resource => toVolume(mesh, resource)),
    volumesLeftOff: Math.max(0, resources.length - STATUS_MAX_VOLUMES),
    fenceRequests: [...state.fence.requests.values()].map(({ resource }) => resource),
    dropped: state.dropped,
    ...(frame.kernelEvents === undefined ? {} : { kernelEvents: frame.kernelEvents }),
    standing: [...state.decisions.standing.values()].map(decision => toDecision(decision, wallAt)),
  }
}

export function toDecisions(state: NodeState, wallAt: StatusFrame['wallAt']): DecisionsDocument {
  const decisions = state.decisions.last.slice(-STATUS_MAX_DECISIONS)
  return { version: 1, node: state.mesh.self, decisions: decisions.map(one => toDecision(one, wallAt)) }
}

function toDecision(
  { at, topic, subject, verdict, because }: NotedDecision,
  wallAt: StatusFrame['wallAt'],
): DecisionStatus {
  return { at: wallAt(at), topic, subject, verdict, because: because.slice(0, 600) }
}

function nodesOf(state: NodeState, policy: Policy, now: MonoMs): NodeStatus[] {
  const { mesh, watchdog } = state
  const self: NodeStatus = {
    node: mesh.self,
    state: 'self',
    bootId: mesh.life.bootId,
    armed: watchdog.device === 'open',
    failover: 'none',
  }
  const others = [...makeSurvey(state, policy, now).values()].map(sight => toNode(state, sight, policy, now))
  return [self, ...others].sort((left, right) => (left.node < right.node ? -1 : 1))
}

function toNode(state: NodeState, sight: Sight, policy: Policy, now: MonoMs): NodeStatus {
  const { peer, suspicion, condemned } = sight
  const proof = suspicion.kind === 'suspected' ? decideProof(state.mesh, policy, peer.node, now) : undefined
  const run =
    peer.life === undefined ? undefined : state.failovers.get(failoverKey(peer.node, peer.life.bootId))
  return {
    node: peer.node,
    state: condemned === undefined ? suspicion.kind : 'over',
    ...(peer.life === undefined ? {} : { bootId: peer.life.bootId }),
    armed: peer.life?.armed === true,
    ...msAgo('heardMsAgo', peer.heardAt, now),
    ...msAgo('quietMs', peer.quietFrom, now),
    ...msAgo('grantedMsAgo', peer.leaseFrom, now),
    ...(proof?.kind === 'unproven' ? { missing: proof.missing.slice(0, 600) } : {}),
    ...(condemned === undefined ? {} : { condemnedBy: condemned.by }),
    failover: run?.phase ?? 'none',
  }
}

function msAgo<Key extends string>(
  key: Key,
  at: MonoMs | undefined,
  now: MonoMs,
): { readonly [K in Key]?: number } {
  if (at === undefined) return {}
  return { [key]: Math.max(0, Math.floor(now - at)) } as { readonly [K in Key]?: number }
}

function toVolume(mesh: MeshState, resource: Resource): VolumeStatus {
  return {
    resource: resource.name,
    role: resource.role,
    disks: [...resource.devices.values()].map(({ volume, minor, disk, client, sizeBytes }) => ({
      volume,
      minor,
      disk,
      client,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    })),
    peers: [...resource.connections.values()].map(connection => {
      const behind = outOfSync(connection)
      const volumes = [...connection.peerDevices.values()]
      return {
        node: peerWord(mesh.members, connection),
        connection: connection.state,
        role: connection.peerRole,
        disk: worstDisk(volumes.map(({ peerDisk }) => peerDisk)),
        replication:
          volumes.find(({ replication }) => replication !== 'Established')?.replication ??
          volumes[0]?.replication ??
          'Off',
        ...(behind === undefined ? {} : { outOfSyncBytes: behind }),
      }
    }),
    suspended: suspendedWords(resource),
    failsIo: resource.failIo,
  }
}
