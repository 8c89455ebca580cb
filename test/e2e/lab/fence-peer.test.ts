/** The writer stays where it is, and DRBD's question is answered: by the other agent (4), or by proof (7). */
import { setTimeout as sleep } from 'node:timers/promises'
import { RESOURCE } from '../../demo/embedded.ts'
import { type LabNode, labNode } from '../../lab/layout.ts'
import { drbdLine } from '../../lab/storage.ts'
import { openStage, t } from '../stage.ts'

await using session = await openStage('embedded')
const { backend } = session
const { lab } = backend
const line = drbdLine(RESOURCE)
const WELL = /cs:Connected .*ds:UpToDate\/UpToDate/
const ALONE = /cs:WFConnection .*ds:UpToDate\/Outdated/

/** Where the pod writes, and where its other copy is. */
async function sides(): Promise<{ writer: LabNode; other: LabNode }> {
  const writer = labNode((await backend.podNode()) ?? 'n1')
  await lab.until(writer, line, /ro:Primary/, { deadlineMs: 60_000 })
  await lab.until(writer, line, WELL, { deadlineMs: 60_000 })
  return { writer, other: writer === 'n1' ? 'n2' : 'n1' }
}

/** The pod has stayed, goes on writing, and nothing of it was lost; returns what the handler was told. */
async function staysAndWrites(
  tap: Pick<typeof t, 'ok' | 'equal' | 'same'>,
  writer: LabNode,
  since: number,
): Promise<string> {
  const before = await backend.verdict()
  await sleep(2000)
  const after = await backend.verdict()
  tap.ok(
    after.acknowledged > before.acknowledged,
    `writes go on (${before.acknowledged} → ${after.acknowledged})`,
  )
  tap.equal(after.lost, 0)
  tap.equal(after.secondWriters, 0)
  tap.equal(await backend.podNode(), writer)
  tap.same(await backend.podDeletes(since), [])
  return await lab.sh(writer, 'node /hawser/hawser.mjs decisions')
}

await t.test('the replication network is cut: the other copy is outdated, by its own agent', async t => {
  const { writer, other } = await sides()
  await backend.beginRun()
  const since = Date.now()
  await lab.cut(other, 'repl')
  await lab.until(writer, line, ALONE, { deadlineMs: 30_000 })
  await lab.until(other, line, /ds:Outdated\/DUnknown/, { deadlineMs: 10_000 })
  t.match(await staysAndWrites(t, writer, since), /fence-peer r0: exit 4/)
  await lab.heal(other, 'repl')
  await lab.until(writer, line, WELL, { deadlineMs: 60_000 })
})

await t.test(
  'the power of the other node is cut: I/O stands still until the proof, then goes on',
  async t => {
    const { writer, other } = await sides()
    const resets: string[] = []
    lab.events.on('reset', ({ node }) => resets.push(node))
    await backend.beginRun()
    const since = Date.now()
    await lab.powerCut(other)
    await lab.until(writer, line, ALONE, { deadlineMs: 40_000 })
    t.match(await staysAndWrites(t, writer, since), /fence-peer r0: exit 7/)
    t.same(resets, [], 'the survivor keeps its majority')
    await backend.comeBack(other)
    await lab.until(writer, line, WELL, { deadlineMs: 60_000 })
  },
)
