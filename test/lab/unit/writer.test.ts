/** The oracle's writer against the collector and a file of this machine; on DRBD see ../oracle.test.ts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { judge } from '../oracle/checker.ts'
import { type Collector, openCollector } from '../oracle/collector.ts'
import { RECORD_SIZE, scanRecords } from '../oracle/records.ts'

const WRITER = path.join(import.meta.dirname, '../oracle/writer.mjs')

function start(file: string, collector: Collector, node = 'n1') {
  return spawn(process.execPath, [WRITER, file, collector.address, node, 'r0', '1'], { stdio: 'ignore' })
}

/** Lets a writer acknowledge some records, ends it, and gives its exit status. */
async function runFor(acks: number, file: string, collector: Collector, node = 'n1'): Promise<number | null> {
  const goal = collector.acks().length + acks
  const child = start(file, collector, node)
  const ended = once(child, 'exit')
  await collector.nextAck(() => collector.acks().length >= goal, 10_000)
  child.kill('SIGTERM')
  const [status] = await ended
  return status as number | null
}

t.test('records are written, acknowledged, and continued by the next writer', async t => {
  await using collector = await openCollector('127.0.0.1')
  const file = path.join(t.testdir(), 'records')
  t.equal(await runFor(20, file, collector), 0)
  t.equal(await runFor(20, file, collector, 'n2'), 0)
  const [one, two] = collector.writers('r0')
  t.equal(one?.found, 0)
  t.equal(one?.firstAck?.seq, 1)
  t.ok((two?.found ?? 0) >= 20)
  t.equal(two?.firstAck?.seq, (two?.found ?? 0) + 1)
  t.equal(two?.stopped, 'SIGTERM')
  const verdict = judge(collector.acks('r0'), scanRecords(readFileSync(file)))
  t.match(verdict, { lost: 0, secondWriters: 0, details: [] })
  t.ok(verdict.acknowledged >= 40)
})

t.test('a torn tail is cut off, and its number used again', async t => {
  await using collector = await openCollector('127.0.0.1')
  const file = path.join(t.testdir(), 'records')
  await runFor(10, file, collector)
  const whole = readFileSync(file).length / RECORD_SIZE
  appendFileSync(file, 'HWR1 torn')
  await runFor(10, file, collector)
  t.equal(collector.writers()[1]?.found, whole)
  t.match(judge(collector.acks(), scanRecords(readFileSync(file))), { lost: 0, details: [] })
})

t.test('damage in the middle stops the writer before it writes', async t => {
  await using collector = await openCollector('127.0.0.1')
  const file = path.join(t.testdir(), 'records')
  await runFor(10, file, collector)
  const bytes = readFileSync(file)
  bytes[3 * RECORD_SIZE] = 0
  writeFileSync(file, bytes)
  const [status] = await once(start(file, collector), 'exit')
  t.equal(status, 65)
  t.strictSame(readFileSync(file), bytes)
})

t.test('a failing write ends the writer with 74, unacknowledged', async t => {
  await using collector = await openCollector('127.0.0.1')
  const [status] = await once(start('/dev/full', collector), 'exit')
  t.equal(status, 74)
  t.equal(collector.acks().length, 0)
})

t.test('a line that no writer sends is counted, not swallowed', async t => {
  await using collector = await openCollector('127.0.0.1')
  const [host, port] = collector.address.split(':')
  const { connect } = await import('node:net')
  const malformed = once(collector.events, 'malformed')
  connect(Number(port), host).end('{"writer":"x"}\n')
  await malformed
  t.equal(collector.malformed, 1)
})
