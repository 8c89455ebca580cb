/** Keeps the node's report object true: written on change, at least a second apart, and renewed so that silence shows. */
import type { Clock } from '#kit/clock.ts'
import type { Log } from '#kit/log.ts'
import { REPORT_APART_MS, REPORT_RENEW_MS, type Report } from '#protocol/report.ts'
import { applyReport } from '../kube/report.ts'
import type { Kube } from '../kube/request.ts'
import type { ClusterEvent } from '../state/events.ts'

export interface ReporterPorts {
  readonly kube: Kube
  readonly clock: Clock
  readonly log: Log
  /** Undefined: nothing is known yet. */
  readonly report: () => Report | undefined
  readonly post: (event: ClusterEvent) => void
}

const RETRY_MS = 5000

/** Ends with the signal. */
export async function keepReport(ports: ReporterPorts, signal: AbortSignal): Promise<void> {
  let written: string | undefined
  let writtenAt = Number.NEGATIVE_INFINITY
  let waitMs = REPORT_APART_MS
  let failing = false
  while (!signal.aborted) {
    const report = ports.report()
    const now = ports.clock.mono()
    // The time alone is no news.
    const text = report === undefined ? undefined : JSON.stringify({ ...report, reportedAt: '' })
    waitMs = REPORT_APART_MS
    if (report !== undefined && (text !== written || now - writtenAt >= REPORT_RENEW_MS)) {
      try {
        await applyReport(ports.kube, report, signal)
        written = text
        writtenAt = now
        failing = false
        ports.post({ kind: 'api-seen', reachable: true, at: ports.clock.mono() })
      } catch (error) {
        if (signal.aborted) return
        if (!failing) ports.log.warn({ err: error }, 'the report cannot be written')
        failing = true
        waitMs = RETRY_MS
        ports.post({ kind: 'api-seen', reachable: wasAnswered(ports, now), at: ports.clock.mono() })
      }
    }
    await ports.clock.sleep(waitMs, signal).catch(() => undefined)
  }
}

/** A refusal is an answer too: then the server is there, and deletes may work. */
function wasAnswered(ports: ReporterPorts, since: number): boolean {
  return (ports.kube.lastAnswerAt() ?? Number.NEGATIVE_INFINITY) >= since
}
