/** Writes the one status object of the cluster: what nodes, reports and members amount to, when it has changed. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '#kit/clock.ts'
import { API_GROUP, API_VERSION, CLUSTER_KIND, CLUSTER_OBJECT, CLUSTER_PLURAL } from '#protocol/names.ts'
import { applyObject, applyStatus, type Wanted } from '../kube/apply.ts'
import type { EventRecorder, EventWanted } from '../kube/events.ts'
import type { Api } from '../kube/request.ts'
import type { Store } from '../kube/store.ts'
import type { ClusterStatus, Condition } from '../model/cluster-schema.ts'
import { clusterStatus } from '../model/cluster-status.ts'
import { turned } from '../model/conditions.ts'
import { type MembersPolicy, planMembers } from '../model/members.ts'
import { nextOldMs } from '../model/report-age.ts'
import type { MembersSeen, NodeSeen, ReportSeen } from '../model/seen.ts'
import type { Outcome, Reconciler } from '../runtime/controller.ts'
import { GROUP_PATH, type MembersRead, type ReportHeard } from './sources.ts'

const TYPE = { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: CLUSTER_KIND }
const UNSYNCED_MS = 200
/** Conditions of time (a report that turns old) are looked at by their own time; this is for what nobody foresaw. */
const RESYNC_MS = 5 * 60_000

export interface ClusterPorts {
  readonly api: Api
  readonly clock: Clock
  readonly events: EventRecorder
  readonly nodes: Store<NodeSeen>
  readonly reports: Store<ReportHeard>
  readonly members: Store<MembersRead>
  readonly cluster: Store<ClusterStatus | undefined>
  readonly isSynced: () => boolean
  readonly membersPolicy: MembersPolicy
  /** Between two writes. */
  readonly apartMs: number
}

export function createAggregator(ports: ClusterPorts): Reconciler {
  const { api, clock, events } = ports
  const path = `${GROUP_PATH}/${CLUSTER_PLURAL}/${CLUSTER_OBJECT}`
  let writtenAt = Number.NEGATIVE_INFINITY

  return {
    name: 'cluster',
    async reconcile(_key, signal): Promise<Outcome> {
      if (!ports.isSynced()) return { kind: 'again', afterMs: UNSYNCED_MS }
      const sinceWriteMs = clock.mono() - writtenAt
      if (sinceWriteMs < ports.apartMs) return { kind: 'again', afterMs: ports.apartMs - sinceWriteMs }
      const reports = reportsSeen(ports)
      const held = ports.cluster.get(CLUSTER_OBJECT)
      const before = held?.value
      const status = clusterStatus({
        nodes: [...ports.nodes.values()].map(kept => kept.value),
        reports,
        members: membersSeen(ports),
        conditionsBefore: before?.conditions ?? [],
        wallText: clock.wall().toISOString(),
      })
      if (!isDeepStrictEqual(status, before)) {
        if (held === undefined) await applyObject(api, path, wanted({}), signal)
        await applyStatus(api, path, wanted({ status }), signal)
        writtenAt = clock.mono()
        for (const condition of turned(status.conditions, before?.conditions ?? []))
          await tell(condition, signal)
      }
      return { kind: 'again', afterMs: Math.min(RESYNC_MS, nextOldMs(reports) ?? RESYNC_MS) }
    },
  }

  async function tell(condition: Condition, signal: AbortSignal): Promise<void> {
    await events.record(
      {
        type: condition.status === 'True' ? 'Normal' : 'Warning',
        reason: condition.status === 'True' ? condition.type : condition.reason,
        action: 'Observe',
        note: `${condition.type} is ${condition.status}${condition.message === '' ? '' : `: ${condition.message}`}`,
        regarding: clusterReference(ports.cluster),
      },
      signal,
    )
  }
}

/** What our events are about; kubectl describe finds them by the uid. */
export function clusterReference(cluster: Store<unknown>): EventWanted['regarding'] {
  const uid = cluster.get(CLUSTER_OBJECT)?.uid
  return { ...TYPE, name: CLUSTER_OBJECT, ...(uid === undefined ? {} : { uid }) }
}

function wanted(rest: Readonly<Record<string, unknown>>): Wanted {
  return { ...TYPE, metadata: { name: CLUSTER_OBJECT }, ...rest }
}

function reportsSeen({ reports, clock }: ClusterPorts): ReportSeen[] {
  const now = clock.mono()
  return [...reports.values()].map(({ key, value }) => ({
    node: key,
    read: value.read,
    ageMs: now - value.since,
  }))
}

function membersSeen({ members, nodes, membersPolicy }: ClusterPorts): MembersSeen {
  const [read] = members.values()
  if (read !== undefined) return read.value
  const settled = Number.POSITIVE_INFINITY
  const plan = planMembers(
    [...nodes.values()].map(kept => kept.value),
    settled,
    membersPolicy,
  )
  if (plan.kind === 'wait') return { kind: 'absent', waitsFor: plan.because }
  return { kind: 'absent', waitsFor: { code: 'NodesSettling', text: 'the nodes must come to rest' } }
}
