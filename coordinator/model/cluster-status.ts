/** Nodes, reports and members → the status of the whole cluster: never rosier than what it is made of. */
import {
  type ClusterStatus,
  type Condition,
  MAX_LIST_CHARS,
  MAX_NODES_LISTED,
  MAX_VOLUMES_LISTED,
  type NodeStatus,
  type VolumeState,
  type VolumeStatus,
} from './cluster-schema.ts'
import { type ConditionWanted, carryTransitions, sayReasons } from './conditions.ts'
import { memberDifferences } from './members.ts'
import { nodeStatus } from './node-status.ts'
import { type Judged, judgeReports } from './report-age.ts'
import type { MembersSeen, NodeSeen, ReportSeen } from './seen.ts'
import { volumesOf } from './volume-status.ts'

export interface ClusterSeen {
  readonly nodes: readonly NodeSeen[]
  readonly reports: readonly ReportSeen[]
  readonly members: MembersSeen
  /** Of the status that is written now. */
  readonly conditionsBefore: readonly Condition[]
  /** The wall clock, as an ISO time. */
  readonly wallText: string
}

export function clusterStatus(seen: ClusterSeen): ClusterStatus {
  const judged = judgeReports(seen.reports)
  const nodes = nodesOf(seen, judged)
  const volumes = volumesOf(judged)
  const nodesReady = nodes.filter(node => node.ready).length
  const nodesListed = fitting(unreadyFirst(nodes), MAX_NODES_LISTED)
  const volumesListed = fitting(worstFirst(volumes), MAX_VOLUMES_LISTED)
  const healthy = countOf(volumes, 'healthy')
  const versions = versionsOf(judged)
  const conditions = [
    nodesCondition(nodes),
    volumesCondition(volumes, nodes),
    membersCondition(seen),
    agentsCondition(versions),
  ]
  return {
    ready: `${nodesReady}/${nodes.length}`,
    volumesHealthy: `${healthy}/${volumes.length}`,
    nodesReady,
    nodesTotal: nodes.length,
    volumeCounts: {
      total: volumes.length,
      healthy,
      degraded: countOf(volumes, 'degraded'),
      suspended: countOf(volumes, 'suspended'),
      noCurrentCopy: countOf(volumes, 'no-current-copy'),
      unknown: countOf(volumes, 'unknown'),
    },
    nodes: nodesListed,
    nodesLeftOff: nodes.length - nodesListed.length,
    volumes: volumesListed,
    volumesLeftOff: volumes.length - volumesListed.length,
    agentVersions: versions.slice(0, 32),
    conditions: carryTransitions([summary(conditions), ...conditions], seen.conditionsBefore, seen.wallText),
  }
}

/** Every name counts that the cluster, the members or a report has: a node that is missing somewhere is not a ready one. */
function nodesOf(seen: ClusterSeen, judged: ReadonlyMap<string, Judged>): NodeStatus[] {
  const members =
    seen.members.kind === 'read' ? seen.members.members.map(member => member.node as string) : undefined
  const nodes = new Map(seen.nodes.map(node => [node.name, node]))
  const reports = new Map(seen.reports.map(report => [report.node, report]))
  const names = [...new Set([...nodes.keys(), ...(members ?? []), ...reports.keys()])].sort()
  return names.map(name =>
    nodeStatus({
      name,
      node: nodes.get(name),
      seen: reports.get(name),
      judged: judged.get(name),
      isMember: members?.includes(name),
      provable: members !== undefined && members.length >= 3 && members.includes(name),
    }),
  )
}

function nodesCondition(nodes: readonly NodeStatus[]): ConditionWanted {
  const type = 'NodesReady'
  if (nodes.length === 0) return { type, status: 'Unknown', reason: 'NoNodes', message: 'no node is known' }
  const unready = nodes.filter(node => !node.ready)
  if (unready.length === 0) return { type, status: 'True', reason: 'AllReady', message: '' }
  const said = unready.flatMap(node => node.reasons.slice(0, 1).map(reason => ({ about: node.node, reason })))
  return { type, status: 'False', reason: 'NodesNotReady', message: sayReasons(said) }
}

function volumesCondition(volumes: readonly VolumeStatus[], nodes: readonly NodeStatus[]): ConditionWanted {
  const type = 'VolumesHealthy'
  const bad = worstFirst(volumes).filter(volume => volume.state !== 'healthy')
  const said = bad.flatMap(volume =>
    volume.reasons.slice(0, 1).map(reason => ({ about: volume.resource, reason })),
  )
  if (bad.some(volume => volume.state !== 'unknown'))
    return { type, status: 'False', reason: 'VolumesNotHealthy', message: sayReasons(said) }
  if (bad.length > 0) return { type, status: 'Unknown', reason: 'ReportsOld', message: sayReasons(said) }
  // Volumes of a node that does not report are not in the list: their silence is not health.
  const silent = nodes
    .filter(node => node.agentVersion === undefined || node.reportOld)
    .map(node => node.node)
  if (silent.length > 0 || nodes.length === 0)
    return {
      type,
      status: 'Unknown',
      reason: 'ReportsMissing',
      message: `no fresh report of ${silent.slice(0, 8).join(', ') || 'any node'}`,
    }
  return { type, status: 'True', reason: volumes.length === 0 ? 'NoVolumes' : 'AllHealthy', message: '' }
}

function membersCondition({ members, nodes }: ClusterSeen): ConditionWanted {
  const type = 'MembersMatch'
  if (members.kind === 'absent')
    return {
      type,
      status: 'False',
      reason: 'MembersUnknown',
      message: `no list of members yet: ${members.waitsFor.text}`,
    }
  if (members.kind === 'unreadable')
    return { type, status: 'False', reason: 'MembersUnreadable', message: members.where.slice(0, 1024) }
  const differences = memberDifferences(members.members, nodes)
  const [first] = differences
  if (first !== undefined)
    return {
      type,
      status: 'False',
      reason: first.code,
      message: sayReasons(differences.map(reason => ({ reason }))),
    }
  if (members.members.length < 3)
    return {
      type,
      status: 'False',
      reason: 'TooFewMembers',
      message: 'below three members no death can be proven',
    }
  return { type, status: 'True', reason: 'Agree', message: '' }
}

function agentsCondition(versions: ClusterStatus['agentVersions']): ConditionWanted {
  const type = 'AgentsAgree'
  const said = versions
    .map(({ version, nodes }) => `${version} on ${nodes}`)
    .join(', ')
    .slice(0, 1024)
  if (versions.length === 0) return { type, status: 'Unknown', reason: 'NoReports', message: '' }
  if (versions.length > 1) return { type, status: 'False', reason: 'VersionsDiffer', message: said }
  return { type, status: 'True', reason: 'OneVersion', message: said }
}

/** Agents of two versions are a normal state while they are rolled out: they do not count here. */
function summary(conditions: readonly ConditionWanted[]): ConditionWanted {
  const bad = conditions.filter(({ type, status }) => status !== 'True' && type !== 'AgentsAgree')
  const worst = bad.find(({ status }) => status === 'False') ?? bad[0]
  if (worst === undefined) return { type: 'Ready', status: 'True', reason: 'AllGood', message: '' }
  return { type: 'Ready', status: worst.status, reason: worst.reason, message: worst.message }
}

function versionsOf(judged: ReadonlyMap<string, Judged>): ClusterStatus['agentVersions'] {
  const counts = new Map<string, number>()
  for (const { report } of judged.values())
    if (report !== undefined) counts.set(report.agentVersion, (counts.get(report.agentVersion) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([version, nodes]) => ({ version, nodes }))
}

function countOf(volumes: readonly VolumeStatus[], state: VolumeState): number {
  return volumes.filter(volume => volume.state === state).length
}

const WORST_FIRST: readonly VolumeState[] = ['no-current-copy', 'suspended', 'unknown', 'degraded', 'healthy']

function worstFirst(volumes: readonly VolumeStatus[]): VolumeStatus[] {
  return volumes.toSorted((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state))
}

function unreadyFirst(nodes: readonly NodeStatus[]): NodeStatus[] {
  return nodes.toSorted((a, b) => Number(a.ready) - Number(b.ready))
}

/** As many of the first ones as the object has room for. */
function fitting<T>(items: readonly T[], most: number): T[] {
  let chars = 0
  const end = items.findIndex((item, index) => {
    chars += JSON.stringify(item).length
    return index >= most || chars > MAX_LIST_CHARS
  })
  return items.slice(0, end === -1 ? items.length : end)
}
