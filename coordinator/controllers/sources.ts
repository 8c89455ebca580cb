/** What the coordinator watches, and how each object becomes words of the model. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { Clock } from '#kit/clock.ts'
import {
  ANNOTATION_ADDRESSES,
  API_GROUP,
  API_VERSION,
  CLUSTER_OBJECT,
  CLUSTER_PLURAL,
  MEMBERS_CONFIGMAP,
  NAMESPACE,
  NODE_PLURAL,
} from '#protocol/names.ts'
import { ReportSchema } from '#protocol/report.ts'
import { MetaSchema, readAs, sayIssues } from '../kube/object.ts'
import type { Source } from '../kube/reflector.ts'
import { type ClusterStatus, ClusterStatusSchema } from '../model/cluster-schema.ts'
import { readMembers } from '../model/members.ts'
import type { MembersSeen, NodeSeen, ReportRead } from '../model/seen.ts'

export const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`
export const CONFIGMAPS_PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`

/** A report and since when it is known, by our monotonic clock. */
export interface ReportHeard {
  readonly read: ReportRead
  readonly since: number
}

export type MembersRead = Exclude<MembersSeen, { readonly kind: 'absent' }>

const NodeObject = z.object({
  metadata: MetaSchema,
  status: z
    .object({
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).nullish(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish(),
    })
    .nullish(),
})
const ReportObject = z.object({ metadata: MetaSchema, status: z.unknown().optional() })
const ConfigMapObject = z.object({ data: z.record(z.string(), z.string()).nullish() })
const ClusterObject = z.object({ status: z.unknown().optional() })

export const NODES: Source<NodeSeen> = { name: 'nodes', path: '/api/v1/nodes', read: readNode }

export const MEMBERS: Source<MembersRead> = {
  name: 'members',
  path: CONFIGMAPS_PATH,
  fieldSelector: `metadata.name=${MEMBERS_CONFIGMAP}`,
  read: raw => {
    const read = readMembers(readAs(ConfigMapObject, raw, 'a ConfigMap could not be read').data ?? {})
    return read.kind === 'absent' ? { kind: 'unreadable', where: 'empty' } : read
  },
}

export const CLUSTER: Source<ClusterStatus | undefined> = {
  name: 'clusters',
  path: `${GROUP_PATH}/${CLUSTER_PLURAL}`,
  fieldSelector: `metadata.name=${CLUSTER_OBJECT}`,
  // A status of another version counts as none: it is written anew.
  read: raw =>
    ClusterStatusSchema.safeParse(readAs(ClusterObject, raw, 'a HawserCluster could not be read').status)
      .data,
}

export function reports(clock: Clock): Source<ReportHeard> {
  return {
    name: 'reports',
    path: `${GROUP_PATH}/${NODE_PLURAL}`,
    read: (raw, from) => {
      const read = readReport(raw)
      return { read, since: clock.mono() - (from === 'list' ? writtenAgoMs(read, clock) : 0) }
    },
  }
}

function readNode(raw: unknown): NodeSeen {
  const { metadata, status } = readAs(NodeObject, raw, 'a Node could not be read')
  const named = metadata.annotations?.[ANNOTATION_ADDRESSES]
    ?.split(',')
    .map(text => text.trim())
    .filter(text => isIP(text) !== 0)
  const internal = (status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address)
  return {
    name: metadata.name,
    ready: (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    addresses: named === undefined || named.length === 0 ? internal : named,
  }
}

/** A report that cannot be read is a fact about that node, not a fault of the watch. */
function readReport(raw: unknown): ReportRead {
  const { metadata, status } = readAs(ReportObject, raw, 'a HawserNode could not be read')
  if (status === undefined) return { kind: 'none' }
  const read = ReportSchema.safeParse(status)
  if (!read.success) return { kind: 'unreadable', where: sayIssues(read.error) }
  if (read.data.node !== metadata.name)
    return { kind: 'unreadable', where: 'node: not the name of its object' }
  return { kind: 'read', report: read.data }
}

/**
 * A report that a list shows may have been written long ago; only the wall clock of its node tells. Believed for this one
 * look: a clock that is behind makes a report old until its renewal, never young for ever.
 */
function writtenAgoMs(read: ReportRead, clock: Clock): number {
  if (read.kind !== 'read') return 0
  return Math.max(0, clock.wall().getTime() - Date.parse(read.report.reportedAt))
}
