/** A Node, its report and what the peers say → the status of one node, ready only when nothing speaks against it. */
import type { Reason } from '#protocol/report.ts'
import { MAX_REASONS_LISTED, type NodeStatus } from './cluster-schema.ts'
import type { Judged } from './report-age.ts'
import type { NodeSeen, ReportSeen } from './seen.ts'

export interface NodeEvidence {
  readonly name: string
  readonly node: NodeSeen | undefined
  readonly seen: ReportSeen | undefined
  readonly judged: Judged | undefined
  /** Undefined: the list of members is not known. */
  readonly isMember: boolean | undefined
  /** Members are enough for a proof of death, so each of them should be held by its watchdog. */
  readonly provable: boolean
}

export function nodeStatus(evidence: NodeEvidence): NodeStatus {
  const { judged } = evidence
  const report = judged?.report
  const reasons = oncePerCode([
    ...kubernetesReasons(evidence),
    ...reportReasons(evidence),
    ...(judged?.doubts ?? []),
  ])
  return {
    node: evidence.name,
    ready: reasons.length === 0,
    ...(report === undefined
      ? {}
      : {
          agentVersion: report.agentVersion,
          bootId: report.bootId,
          ...(judged?.old === undefined ? {} : { reportedAt: report.reportedAt }),
          drbd: drbdWord(report.drbd),
        }),
    reportOld: judged?.old !== undefined,
    armed: report?.lease.armed === true && judged?.old === undefined,
    reasons: reasons.slice(0, MAX_REASONS_LISTED),
  }
}

function kubernetesReasons({ name, node, isMember }: NodeEvidence): Reason[] {
  return [
    ...(node === undefined ? [{ code: 'NoNode', text: `the cluster has no Node ${name}` }] : []),
    ...(node?.ready === false
      ? [{ code: 'KubernetesNotReady', text: 'the condition Ready of the Node is not True' }]
      : []),
    ...(isMember === false
      ? [{ code: 'NotMember', text: 'it does not vote and its death cannot be proven' }]
      : []),
  ]
}

function reportReasons({ seen, judged, provable }: NodeEvidence): Reason[] {
  if (seen === undefined || seen.read.kind === 'none')
    return [{ code: 'NoReport', text: 'its agent has not reported yet' }]
  if (seen.read.kind === 'unreadable')
    return [{ code: 'ReportUnreadable', text: `its report cannot be read: ${seen.read.where}`.slice(0, 512) }]
  const { report } = seen.read
  return [
    ...(judged?.old === undefined ? [] : [judged.old]),
    ...(report.drbd.phase === 'live' ? [] : [{ code: 'DrbdNotLive', text: `DRBD: ${report.drbd.phase}` }]),
    ...(provable && !report.lease.armed
      ? [{ code: 'NotArmed', text: 'no watchdog holds it: its death cannot be proven' }]
      : []),
    ...(provable && report.lease.armed && !report.lease.held
      ? [{ code: 'NoLease', text: 'no majority of members grants it the lease' }]
      : []),
    ...(report.volumesLeftOff > 0
      ? [{ code: 'VolumesLeftOff', text: `${report.volumesLeftOff} volumes did not fit into its report` }]
      : []),
    ...report.reasons,
  ]
}

function drbdWord(drbd: { readonly phase: string; readonly version?: string | undefined }): string {
  return drbd.version === undefined ? drbd.phase : `${drbd.version} ${drbd.phase}`
}

/** The agent finds some of the same things about itself. */
function oncePerCode(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map(reason => [reason.code, reason])).values()]
}
