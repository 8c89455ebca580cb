/** What the model is told about the cluster: types only, read at the edges. */
import type { MembersText } from '#protocol/members.ts'
import type { Reason, Report } from '#protocol/report.ts'

/** A Kubernetes Node, in our words. */
export interface NodeSeen {
  readonly name: string
  /** Of the condition Ready; false without one. */
  readonly ready: boolean
  /** InternalIPs, or those of the annotation. */
  readonly addresses: readonly string[]
}

/** An object HawserNode: its report, or why there is none to be read. */
export type ReportRead =
  | { readonly kind: 'read'; readonly report: Report }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly where: string }

export interface ReportSeen {
  readonly node: string
  readonly read: ReportRead
  /** Since when it has not changed, by the coordinator's clock. */
  readonly ageMs: number
}

export type MembersSeen =
  | { readonly kind: 'absent'; readonly waitsFor: Reason }
  | { readonly kind: 'unreadable'; readonly where: string }
  | { readonly kind: 'read'; readonly members: MembersText['members'] }
