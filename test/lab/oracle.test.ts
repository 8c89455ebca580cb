/** The oracle on real DRBD: a power cut loses nothing, and what the oracle should find is found. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openLab } from './lab.ts'
import { hostAddress } from './layout.ts'
import { judge } from './oracle/checker.ts'
import { openCollector } from './oracle/collector.ts'
import { readBack, startWriter, stopWriter, verdictFrom, writerStatus } from './oracle/oracle.ts'
import { RECORD_SIZE, scanRecords } from './oracle/records.ts'
import { drbdLine } from './storage.ts'
import { t, testSignal } from './tap-inside.ts'

await using lab = await openLab({ nodes: 2 }, testSignal)
const specs = ['r0', 'r1', 'r2'].map(resource => ({ resource, nodes: ['n1', 'n2'] as const }))
for (const spec of specs) await lab.setupResource(spec)

await t.test('power cut while writing: every acknowledged record is on the survivor', async t => {
  await using collector = await openCollector(hostAddress('ctl'))
  for (const node of lab.nodes) await lab.sh(node, 'echo 7 >/run/fence-answer')
  await lab.promote('n1', 'r0')
  await startWriter(lab, 'n1', 'r0', collector)
  await collector.nextAck(ack => ack.seq >= 50, 30_000)
  await lab.powerCut('n1')
  await lab.until('n2', drbdLine({ resource: 'r0' }), /cs:WFConnection/)
  await lab.promote('n2', 'r0')
  await startWriter(lab, 'n2', 'r0', collector)
  const first = await collector.nextAck(ack => ack.node === 'n2', 30_000)
  await collector.nextAck(ack => ack.seq >= first.seq + 20, 30_000)
  t.equal(await stopWriter(lab, 'n2', 'r0'), 0)
  const verdict = await verdictFrom(lab, 'n2', 'r0', collector)
  t.match(verdict, { lost: 0, secondWriters: 0, details: [] })
  t.ok(verdict.acknowledged >= 70, `${verdict.acknowledged} acknowledged`)

  const file = await readBack(lab, 'n2', 'r0')
  const damaged = Buffer.from(file)
  damaged[20 * RECORD_SIZE + 30]! ^= 1
  t.equal(judge(collector.acks('r0'), scanRecords(damaged)).lost, 1, 'one flipped bit is found')
  await lab.boot(['n1'])
  await lab.bringUpAgain('n1')
})

await t.test('a writer that cannot write stops with 74', async t => {
  await using collector = await openCollector(hostAddress('ctl'))
  await lab.promote('n2', 'r1')
  await startWriter(lab, 'n2', 'r1', collector)
  await collector.nextAck(ack => ack.seq >= 10, 30_000)
  for (const node of lab.nodes) await lab.breakDisk(node, 'r1', { kind: 'error' })
  await lab.until('n2', 'cat /run/writer-r1.status 2>/dev/null || true', /\d/)
  t.equal(await writerStatus(lab, 'n2', 'r1'), 74)
  t.match(collector.writers('r1')[0]?.stopped, /EIO|EROFS/)
})

await t.test('two nodes that serve at the same time are found', async t => {
  await using collector = await openCollector(hostAddress('ctl'))
  // Both are told that the other was shot, which is a lie: split brain on purpose.
  for (const node of lab.nodes) await lab.sh(node, 'echo 7 >/run/fence-answer')
  await lab.promote('n1', 'r2')
  await startWriter(lab, 'n1', 'r2', collector)
  await collector.nextAck(ack => ack.seq >= 20, 30_000)
  await lab.cut('n1', 'repl')
  await lab.until('n2', drbdLine({ resource: 'r2' }), /cs:WFConnection/)
  await lab.promote('n2', 'r2')
  await startWriter(lab, 'n2', 'r2', collector)
  await collector.nextAck(ack => ack.node === 'n2', 30_000)
  await sleep(2_000)
  for (const node of lab.nodes) await stopWriter(lab, node, 'r2')
  const verdict = await verdictFrom(lab, 'n2', 'r2', collector)
  t.equal(verdict.secondWriters, 1)
  t.ok(verdict.lost > 0, verdict.details.join('; '))
})
