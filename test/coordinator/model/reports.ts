/** Reports and nodes as tests need them: sound ones, from which each test takes one thing away. */
import type { Report, VolumeReport } from '#protocol/report.ts'
import type { MembersSeen, NodeSeen, ReportSeen } from '../../../coordinator/model/seen.ts'

export const WALL = '2030-01-01T00:00:00.000Z'
export const NAMES = ['n1', 'n2', 'n3'] as const

export function volume(more: Partial<VolumeReport> = {}): VolumeReport {
  return {
    resource: 'r0',
    role: 'Secondary',
    disks: [{ volume: 0, minor: 0, disk: 'UpToDate' }],
    peers: [],
    suspended: [],
    reasons: [],
    ...more,
  }
}

export function report(node: string, more: Partial<Report> = {}): Report {
  return {
    node,
    agentVersion: '0.1.0',
    bootId: '00000000-0000-0000-0000-000000000001',
    reportedAt: WALL,
    drbd: { phase: 'live', version: '8.4.11' },
    volumes: [],
    volumesLeftOff: 0,
    lease: { armed: true, held: true },
    members: NAMES.filter(name => name !== node).map(name => ({ node: name, state: 'alive' as const })),
    reasons: [],
    ...more,
  }
}

export function seen(from: Report, ageMs = 1_000): ReportSeen {
  return { node: from.node, read: { kind: 'read', report: from }, ageMs }
}

export function node(name: string, more: Partial<NodeSeen> = {}): NodeSeen {
  return { name, ready: true, addresses: [`10.0.0.${name.slice(1)}`], ...more }
}

export function members(names: readonly string[] = NAMES): MembersSeen {
  const list = names.map(name => ({ node: name, addresses: [`10.0.0.${name.slice(1)}`] }))
  return { kind: 'read', members: list } as MembersSeen
}

/** r0 on n1 (Primary) and n2, both well. */
export function pair(): { readonly primary: VolumeReport; readonly secondary: VolumeReport } {
  const peer = { connection: 'Connected', disk: 'UpToDate' }
  return {
    primary: volume({ role: 'Primary', peers: [{ ...peer, node: 'n2', role: 'Secondary' }] }),
    secondary: volume({ peers: [{ ...peer, node: 'n1', role: 'Primary' }] }),
  }
}
