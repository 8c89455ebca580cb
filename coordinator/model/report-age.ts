/** Whether a node's last report still speaks for the node. */
import type { Reason, Report } from '#protocol/report.ts'
import { REPORT_RENEW_MS } from '#protocol/report.ts'
import type { ReportSeen } from './seen.ts'

/** Two renewals may be missed (an API server that restarts), then the agent counts as silent. */
export const SILENT_MS = 2.5 * REPORT_RENEW_MS

export interface Judged {
  readonly report: Report | undefined
  /** Absent: it speaks for the node. */
  readonly old: Reason | undefined
  /** What its peers say against the node; a suspicion by some is not enough to call the report old. */
  readonly doubts: readonly Reason[]
}

interface Word {
  readonly by: string
  readonly state: Report['members'][number]['state']
}

/** Judges all reports together, because peers are witnesses: the word of a peer whose own report is in time. */
export function judgeReports(reports: readonly ReportSeen[]): ReadonlyMap<string, Judged> {
  const about = new Map<string, Word[]>()
  for (const { node: by, read, ageMs } of reports) {
    if (read.kind !== 'read' || ageMs >= SILENT_MS) continue
    for (const { node, state } of read.report.members) {
      if (node === by || state === 'never-seen') continue
      const words = about.get(node) ?? []
      words.push({ by, state })
      about.set(node, words)
    }
  }
  return new Map(reports.map(seen => [seen.node, judge(seen, about.get(seen.node) ?? [])]))
}

function judge(seen: ReportSeen, words: readonly Word[]): Judged {
  if (seen.read.kind !== 'read') return { report: undefined, old: undefined, doubts: [] }
  const { report } = seen.read
  const lostBy = words.filter(word => word.state === 'lost').map(word => word.by)
  const against = words.filter(word => word.state !== 'alive').map(word => word.by)
  const doubts: Reason[] = [
    ...(lostBy.length > 0 ? [{ code: 'NodeLost', text: `proven over, says ${say(lostBy)}` }] : []),
    ...(against.length > lostBy.length
      ? [{ code: 'NodeSuspected', text: `not heard by ${say(against.filter(by => !lostBy.includes(by)))}` }]
      : []),
  ]
  return { report, old: oldness(seen.ageMs, lostBy, against, words.length), doubts }
}

function oldness(
  ageMs: number,
  lostBy: readonly string[],
  against: readonly string[],
  heard: number,
): Reason | undefined {
  if (ageMs >= SILENT_MS)
    return { code: 'AgentSilent', text: `no report for more than ${SILENT_MS / 1000} s: the last one is old` }
  if (lostBy.length > 0) return { code: 'ReportOld', text: 'the report is from a boot that is over' }
  if (heard > 0 && against.length === heard)
    return {
      code: 'ReportOld',
      text: 'no peer that reports hears this node: its last report may be untrue by now',
    }
  return undefined
}

function say(nodes: readonly string[]): string {
  const shown = [...nodes].sort().slice(0, 5)
  return `${shown.join(', ')}${nodes.length > shown.length ? ` and ${nodes.length - shown.length} more` : ''}`
}

/** When the next report turns old if nothing comes; undefined: none can. */
export function nextOldMs(reports: readonly ReportSeen[]): number | undefined {
  const left = reports
    .filter(seen => seen.read.kind === 'read' && seen.ageMs < SILENT_MS)
    .map(seen => SILENT_MS - seen.ageMs)
  return left.length === 0 ? undefined : Math.min(...left)
}
