/** What writers report to the collector, read once at the edge. */
import * as z from 'zod'

const Instant = z.object({ mono: z.number(), wall: z.number() })
const From = {
  writer: z.string().min(1).max(64),
  node: z.string().min(1).max(64),
  resource: z.string().min(1).max(128),
}

const Report = z.union([
  z.object({ ...From, seq: z.int().positive(), crc: z.int().nonnegative(), before: Instant, after: Instant }),
  z.object({
    ...From,
    hello: z.literal(true),
    found: z.int().nonnegative(),
    bootId: z.string(),
    mono: z.number(),
    wall: z.number(),
  }),
  z.object({ ...From, stopped: z.string() }),
])

/** The writer's own clocks, in ms. Monotonic ones of two guests cannot be compared; see checker.ts. */
export interface Instant {
  readonly mono: number
  readonly wall: number
}

/** One record that was acknowledged: its fsync had returned. */
export interface Ack {
  readonly writer: string
  readonly node: string
  readonly resource: string
  readonly seq: number
  readonly crc: number
  readonly before: Instant
  readonly after: Instant
  /** When the report came in, by the collector's monotonic clock, in ms. */
  readonly arrivedMs: number
}

export type WriterReport =
  | { readonly kind: 'ack'; readonly ack: Ack }
  | {
      readonly kind: 'hello'
      readonly writer: string
      readonly node: string
      readonly resource: string
      readonly found: number
      readonly bootId: string
    }
  | {
      readonly kind: 'stopped'
      readonly writer: string
      readonly node: string
      readonly resource: string
      readonly why: string
    }

export function parseReport(line: string, arrivedMs: number): WriterReport {
  const report = Report.parse(JSON.parse(line))
  if ('seq' in report) return { kind: 'ack', ack: { ...report, arrivedMs } }
  const { writer, node, resource } = report
  if ('hello' in report)
    return { kind: 'hello', writer, node, resource, found: report.found, bootId: report.bootId }
  return { kind: 'stopped', writer, node, resource, why: report.stopped }
}
