/** NodeState → the report of this node, for the object that the coordinator reads; what does not fit is counted. */
import type { MonoMs } from '#kit/clock.ts'
import { REPORT_MAX_VOLUMES, type Reason, type Report, type VolumeReport } from '#protocol/report.ts'
import type { Resource } from '../state/drbd-model.ts'
import { LEAST_MEMBERS, type MeshState } from '../state/mesh-model.ts'
import type { NodeState } from '../state/node-state.ts'
import { decideLease } from './lease.ts'
import type { Policy } from './policy.ts'
import { makeSurvey } from './survey.ts'
import { outOfSync, peerWord, suspendedWords, worstDisk } from './volume-words.ts'

export interface ReportFrame {
  readonly agentVersion: string
  /** Of the module; undefined: not known. */
  readonly drbdVersion: string | undefined
  readonly now: MonoMs
  readonly wallAt: (at: MonoMs) => string
}

export function toReport(state: NodeState, policy: Policy, frame: ReportFrame): Report {
  const { mesh, drbd, watchdog } = state
  const held = decideLease(mesh, policy, frame.now).kind === 'held'
  const resources = [...drbd.resources.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  return {
    node: mesh.self,
    agentVersion: frame.agentVersion,
    bootId: mesh.life.bootId,
    reportedAt: frame.wallAt(frame.now),
    drbd: { phase: drbd.phase, ...(frame.drbdVersion === undefined ? {} : { version: frame.drbdVersion }) },
    volumes: resources.slice(0, REPORT_MAX_VOLUMES).map(resource => toVolume(mesh, resource)),
    volumesLeftOff: Math.max(0, resources.length - REPORT_MAX_VOLUMES),
    lease: { armed: watchdog.device === 'open', held },
    members: [...makeSurvey(state, policy, frame.now).values()].map(({ peer, suspicion, condemned }) => ({
      node: peer.node,
      state: condemned === undefined ? suspicion.kind : 'lost',
    })),
    reasons: reasonsOf(state, held),
  }
}

/** What keeps this node from its whole work. */
function reasonsOf({ mesh, drbd, watchdog }: NodeState, held: boolean): Reason[] {
  const reasons: Reason[] = []
  if (drbd.phase === 'no module') reasons.push({ code: 'NoDrbd', text: 'the kernel has no DRBD module' })
  if (drbd.phase === 'starting')
    reasons.push({ code: 'Starting', text: 'the state of DRBD was not read yet' })
  if (mesh.members === undefined) reasons.push({ code: 'NoMembers', text: 'the members are not known yet' })
  else if (mesh.members.list.length < LEAST_MEMBERS)
    reasons.push({ code: 'TooFewMembers', text: 'fewer than three members: no node can be proven dead' })
  else if (!held) reasons.push({ code: 'NoLease', text: 'no majority of members grants this node the lease' })
  if (watchdog.device === 'none')
    reasons.push({ code: 'NoWatchdog', text: 'no watchdog device is configured' })
  if (watchdog.device === 'failed')
    reasons.push({ code: 'WatchdogFailed', text: (watchdog.failure ?? '').slice(0, 512) })
  return reasons
}

function toVolume(mesh: MeshState, resource: Resource): VolumeReport {
  const suspended = suspendedWords(resource)
  return {
    resource: resource.name,
    role: resource.role,
    disks: [...resource.devices.values()].slice(0, 64).map(({ volume, minor, disk, client, sizeBytes }) => ({
      volume,
      minor,
      disk,
      ...(client ? { client } : {}),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    })),
    peers: [...resource.connections.values()].slice(0, 31).map(connection => {
      const behind = outOfSync(connection)
      return {
        node: peerWord(mesh.members, connection),
        connection: connection.state,
        role: connection.peerRole,
        disk: worstDisk([...connection.peerDevices.values()].map(({ peerDisk }) => peerDisk)),
        ...(behind === undefined ? {} : { outOfSyncBytes: behind }),
      }
    }),
    suspended,
    reasons: suspended.map(word => ({ code: `Suspended.${word}`, text: `I/O stands still: ${word}` })),
  }
}
