/** The oracle's verdict, from the acknowledgements and what the survivor's file holds. Pure. */
import type { Ack } from './acks.ts'
import type { RecordScan } from './records.ts'

export interface Verdict {
  readonly acknowledged: number
  /** Acknowledged, but not in the file as it was written. */
  readonly lost: number
  /** Writers that were acknowledged beside another node's writer. */
  readonly secondWriters: number
  /** One sentence for each kind of trouble and pair of writers; empty when all is well. */
  readonly details: readonly string[]
}

/** A writer's acknowledgements with all times on the collector's clock. */
interface Serving {
  readonly writer: string
  readonly node: string
  readonly acks: readonly TimedAck[]
  readonly first: TimedAck
}

interface TimedAck {
  readonly seq: number
  readonly crc: number
  readonly beforeMs: number
  readonly afterMs: number
}

/**
 * Arrival times alone would accuse a guest that froze between its fsync and its report. A guest's own monotonic clock
 * does not stand still while it is frozen, so the fastest report of each writer tells how the two clocks differ.
 */
function onOneClock(acks: readonly Ack[]): TimedAck[] {
  const offset = Math.min(...acks.map(ack => ack.arrivedMs - ack.after.mono))
  return acks
    .map(({ seq, crc, before, after }) => ({
      seq,
      crc,
      beforeMs: before.mono + offset,
      afterMs: after.mono + offset,
    }))
    .toSorted((a, b) => a.seq - b.seq)
}

function servings(acks: readonly Ack[]): Serving[] {
  const byWriter = Map.groupBy(acks, ack => ack.writer)
  return [...byWriter.entries()]
    .flatMap(([writer, own]) => {
      const timed = onOneClock(own)
      const [first] = timed
      return first === undefined ? [] : [{ writer, node: own[0]?.node ?? '', acks: timed, first }]
    })
    .toSorted((a, b) => a.first.beforeMs - b.first.beforeMs)
}

/**
 * Why the earlier writer was not alone when the later one served; undefined when it had ended.
 * Either it began a write that was acknowledged after the later one's first acknowledgement, or both acknowledged
 * the same number in overlapping time: two histories.
 */
function whySecond(earlier: Serving, later: Serving): string | undefined {
  const who = `${earlier.writer} on ${earlier.node} and ${later.writer} on ${later.node}`
  const beside = earlier.acks.find(ack => ack.beforeMs > later.first.afterMs)
  if (beside)
    return `${who} served at the same time: the first wrote ${beside.seq} after the second had acknowledged ${later.first.seq}`
  const forked = earlier.acks.find(ack => ack.seq >= later.first.seq && ack.afterMs > later.first.beforeMs)
  if (forked) return `${who} diverged in overlapping time: both went on from before record ${forked.seq}`
  return undefined
}

function lostDetail(lost: readonly Ack[]): string[] {
  return [...Map.groupBy(lost, ack => ack.writer).entries()].map(([writer, acks]) => {
    const numbers = acks.map(ack => ack.seq)
    return `${acks.length} acknowledged records of ${writer} on ${acks[0]?.node} are not there: ${Math.min(...numbers)} to ${Math.max(...numbers)}`
  })
}

/** For one resource: its acknowledgements and the scan of its file on the survivor. */
export function judge(acks: readonly Ack[], scan: RecordScan): Verdict {
  const isThere = (ack: Ack): boolean => {
    const record = scan.records.get(ack.seq)
    return record !== undefined && record.writer === ack.writer && record.crc === ack.crc
  }
  const lost = acks.filter(ack => !isThere(ack))
  const all = servings(acks)
  const seconds = all.flatMap((later, index) =>
    all.slice(0, index).flatMap(earlier => {
      const why = earlier.node === later.node ? undefined : whySecond(earlier, later)
      return why === undefined ? [] : [{ writer: earlier.writer, why }]
    }),
  )
  const damaged =
    scan.damaged.length > 0 ? [`${scan.damaged.length} damaged records, the first is ${scan.damaged[0]}`] : []
  return {
    acknowledged: acks.length,
    lost: lost.length,
    secondWriters: new Set(seconds.map(second => second.writer)).size,
    details: [...lostDetail(lost), ...seconds.map(second => second.why), ...damaged],
  }
}
