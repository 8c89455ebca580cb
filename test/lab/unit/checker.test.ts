/** The oracle's verdict: honest histories pass, each kind of tampering is found. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import type { Ack } from '../oracle/acks.ts'
import { judge } from '../oracle/checker.ts'
import { RECORD_SIZE, scanRecords } from '../oracle/records.ts'

function record(seq: number, writer: string, node: string): Buffer {
  const body = Buffer.from(
    `HWR1 ${String(seq).padStart(12, '0')} ${writer} ${node} r0 1700000000000`.padEnd(RECORD_SIZE - 9),
  )
  return Buffer.concat([body, Buffer.from(`${crc32(body).toString(16).padStart(8, '0')}\n`)])
}

/** One start of a writer: numbers from `from` on, one every 20 ms from `startMs` on the collector's clock. */
interface Start {
  readonly writer: string
  readonly node: string
  readonly from: number
  readonly count: number
  readonly startMs: number
}

const EVERY_MS = 20
const FSYNC_MS = 5
const REPORT_MS = 1

/** Each node's monotonic clock has another zero. */
function zeroOf(node: string): number {
  return Number(node.slice(1)) * 1_000_000
}

function acksOf({ writer, node, from, count, startMs }: Start): Ack[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index
    const before = startMs + index * EVERY_MS
    const after = before + FSYNC_MS
    const bytes = record(seq, writer, node)
    return {
      ...{ writer, node, resource: 'r0', seq, crc: crc32(bytes.subarray(0, RECORD_SIZE - 9)) },
      before: { mono: before - zeroOf(node), wall: before },
      after: { mono: after - zeroOf(node), wall: after },
      arrivedMs: after + REPORT_MS,
    }
  })
}

function fileOf(starts: readonly Start[]): Buffer {
  const places = new Map<number, Buffer>()
  for (const { writer, node, from, count } of starts) {
    for (let seq = from; seq < from + count; seq++) places.set(seq, record(seq, writer, node))
  }
  return Buffer.concat([...places.entries()].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes))
}

const first: Start = { writer: 'aaaa', node: 'n1', from: 1, count: 50, startMs: 1_000 }
const second: Start = { writer: 'bbbb', node: 'n2', from: 51, count: 50, startMs: 9_000 }

t.test('a writer that moved after a power cut: nothing lost, no second writer', async t => {
  const verdict = judge([...acksOf(first), ...acksOf(second)], scanRecords(fileOf([first, second])))
  t.strictSame(verdict, { acknowledged: 100, lost: 0, secondWriters: 0, details: [] })
})

t.test('a tail that is missing on the survivor is lost', async t => {
  const verdict = judge(acksOf(first), scanRecords(fileOf([first]).subarray(0, 47 * RECORD_SIZE)))
  t.equal(verdict.lost, 3)
  t.match(verdict.details, [/3 acknowledged records of aaaa on n1 are not there: 48 to 50/])
})

t.test('a torn last record counts only when it was acknowledged', async t => {
  const torn = Buffer.concat([fileOf([first]), record(51, 'aaaa', 'n1').subarray(0, 100)])
  t.equal(scanRecords(torn).tornBytes, 100)
  t.equal(judge(acksOf(first), scanRecords(torn)).lost, 0)
  t.equal(judge(acksOf({ ...first, count: 51 }), scanRecords(torn)).lost, 1)
})

t.test('one flipped bit is found', async t => {
  const file = fileOf([first])
  file[10 * RECORD_SIZE + 40]! ^= 1
  const scan = scanRecords(file)
  t.strictSame(scan.damaged, [11])
  t.equal(judge(acksOf(first), scan).lost, 1)
})

t.test('a whole record of another writer at that place does not count', async t => {
  const other = { ...first, writer: 'cccc' }
  t.equal(judge(acksOf(first), scanRecords(fileOf([other]))).lost, 50)
})

t.test('two nodes that went on from the same record in overlapping time', async t => {
  const long = { ...first, count: 500 }
  const forked = { ...second, from: 51, startMs: 2_100, count: 500 }
  const verdict = judge([...acksOf(long), ...acksOf(forked)], scanRecords(fileOf([first, forked])))
  t.equal(verdict.secondWriters, 1)
  t.equal(verdict.lost, 450, 'the records of the other history are lost, too')
})

t.test('two nodes that append by turns to one file are two writers, though nothing is lost', async t => {
  const starts = [
    first,
    { ...second, startMs: 2_500, count: 10 },
    { ...first, from: 61, startMs: 3_000, count: 10 },
  ]
  const verdict = judge(starts.flatMap(acksOf), scanRecords(fileOf(starts)))
  t.equal(verdict.lost, 0)
  t.equal(verdict.secondWriters, 1)
})

t.test('a report that was held up in a frozen guest accuses nobody', async t => {
  const acks = acksOf(first)
  const late = { ...acks.at(-1)!, arrivedMs: 30_000 }
  const verdict = judge([...acks.slice(0, -1), late, ...acksOf(second)], scanRecords(fileOf([first, second])))
  t.equal(verdict.secondWriters, 0)
})

t.test('a jump of the wall clock accuses nobody', async t => {
  const jumped = acksOf(second).map(ack => ({
    ...ack,
    before: { ...ack.before, wall: 0 },
    after: { ...ack.after, wall: 0 },
  }))
  t.equal(judge([...acksOf(first), ...jumped], scanRecords(fileOf([first, second]))).secondWriters, 0)
})

t.test('a restart on the same node is no second writer', async t => {
  const again = { ...second, node: 'n1', startMs: 1_500 }
  t.equal(judge([...acksOf(first), ...acksOf(again)], scanRecords(fileOf([first, again]))).secondWriters, 0)
})

/** A chain of writers on changing nodes, each starting after the one before has ended. */
const chain = fc
  .array(
    fc.record({
      node: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 20 }),
      gapMs: fc.integer({ min: 30, max: 9_000 }),
    }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map(steps => {
    let from = 1
    let startMs = 0
    return steps.map(({ node, count, gapMs }, index): Start => {
      const start = { writer: `w${index}`, node: `n${node}`, from, count, startMs }
      from += count
      startMs += count * EVERY_MS + gapMs
      return start
    })
  })

t.test('property: writers one after the other are never accused', async () => {
  fc.assert(
    fc.property(chain, starts => {
      const verdict = judge(starts.flatMap(acksOf), scanRecords(fileOf(starts)))
      return verdict.lost === 0 && verdict.secondWriters === 0 && verdict.details.length === 0
    }),
  )
})

t.test('property: damage to any acknowledged byte is found', async () => {
  fc.assert(
    fc.property(chain, fc.nat(), fc.integer({ min: 1, max: 255 }), (starts, place, mask) => {
      const file = fileOf(starts)
      file[place % file.length]! ^= mask
      return judge(starts.flatMap(acksOf), scanRecords(file)).lost === 1
    }),
  )
})

t.test('property: a writer that goes on beside its successor on another node is found', async () => {
  fc.assert(
    fc.property(chain, fc.integer({ min: 1, max: 5 }), (starts, extra) => {
      const [one, two] = starts
      fc.pre(one !== undefined && two !== undefined && one.node !== two.node)
      const stale = { ...one, from: one.from + one.count, count: extra, startMs: two.startMs + FSYNC_MS + 1 }
      const verdict = judge([...starts.flatMap(acksOf), ...acksOf(stale)], scanRecords(fileOf(starts)))
      return verdict.secondWriters === 1
    }),
  )
})
