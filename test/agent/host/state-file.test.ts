import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readBootId } from '../../../agent/host/boot.ts'
import { openStateFile } from '../../../agent/host/state-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'hawser-state-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

t.test('nothing before the first write; then the last one, private, with nothing left over', async t => {
  const file = openStateFile(join(dir, 'deep'), 'lives.json')
  t.equal(file.read(), undefined)
  file.write('one')
  file.write('two')
  t.equal(openStateFile(join(dir, 'deep'), 'lives.json').read(), 'two')
  t.same(readdirSync(join(dir, 'deep')), ['lives.json'])
  t.equal(statSync(join(dir, 'deep', 'lives.json')).mode & 0o777, 0o600)
})

t.test('a torn successor of a crash changes nothing', async t => {
  const file = openStateFile(dir, 'x.json')
  file.write('good')
  writeFileSync(join(dir, 'x.json.next'), 'ha')
  t.equal(file.read(), 'good')
  file.write('better')
  t.equal(file.read(), 'better')
})

t.test('the boot id is read, and garbage refused', async t => {
  t.equal(readBootId().length, 36)
  writeFileSync(join(dir, 'boot'), 'not one')
  t.throws(() => readBootId(join(dir, 'boot')), { code: 'RIGHTS_MISSING' })
})
