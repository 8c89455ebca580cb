import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { BootId, NodeName } from '#kit/brand.ts'
import { openMemory } from '../../../agent/effect/memory.ts'
import { openStateFile } from '../../../agent/host/state-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'hawser-memory-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
const boot = (digit: number): BootId => `${String(digit).repeat(8)}-0000-0000-0000-000000000000` as BootId
const n1 = 'n1' as NodeName
const life = { bootId: boot(1), incarnation: 5, seq: 9, armed: true, resetMs: 5000, membersHash: 'ab' }

t.test('what was saved is there after a restart', async t => {
  const file = openStateFile(dir, 'a.json')
  const memory = openMemory(file)
  t.same(memory.peers, [])
  t.equal(memory.promise, undefined)
  memory.saveLife(n1, life)
  memory.condemn(n1, boot(2), 'lease')
  memory.condemn(n1, boot(2), 'told')
  memory.savePromise({ bootId: boot(3), membersHash: 'cd' })
  const again = openMemory(file)
  t.same(again.peers, [{ node: 'n1', life, condemned: [{ bootId: boot(2), by: 'told' }] }])
  t.same(again.promise, { bootId: boot(3), membersHash: 'cd' })
  again.savePromise(undefined)
  t.equal(openMemory(file).promise, undefined)
  t.same(openMemory(file).peers, again.peers, 'clearing one thing leaves the others')
})

t.test('verdicts do not pile up for ever', async t => {
  const memory = openMemory(openStateFile(dir, 'b.json'))
  for (let n = 0; n < 100; n++)
    memory.condemn(n1, `${String(n).padStart(8, '0')}-0000-0000-0000-000000000000` as BootId, 'lease')
  const kept = openMemory(openStateFile(dir, 'b.json')).peers[0]?.condemned ?? []
  t.equal(kept.length, 32)
  t.match(kept.at(-1)?.bootId, /^00000099/)
})

t.test('a memory that cannot be read is not forgotten silently', async t => {
  writeFileSync(join(dir, 'c.json'), '{"version":1,"peers":[{"node":"n1"')
  t.throws(() => openMemory(openStateFile(dir, 'c.json')), { code: 'CONFIG_INVALID' })
  writeFileSync(join(dir, 'c.json'), '{"version":2,"peers":[]}')
  t.throws(() => openMemory(openStateFile(dir, 'c.json')), { code: 'CONFIG_INVALID' })
})
