/** Every test file gets the tier of its place. */
import { join } from 'node:path'
import t from 'tap'
import { findTestFiles, tierOf } from './test-files.ts'

t.test('places', async t => {
  const tiers = {
    'test/agent/decide/failover.test.ts': 'unit',
    'test/coordinator/model/seen.test.ts': 'unit',
    'test/contract/fake.test.ts': 'unit',
    'test/contract/real.test.ts': 'real',
    'test/agent/host/lvm.real.test.ts': 'real',
    'test/agent/surreal.test.ts': 'unit',
    'test/real/lvm.test.ts': 'real',
    'test/gates/errors.test.ts': 'static',
    'test/lab/boot.test.ts': 'lab',
    'test/lab/unit/layout.test.ts': 'unit',
    'test/e2e/lab/power.test.ts': 'lab',
    'test/cluster/nodes.test.ts': 'cluster',
    'test/cluster/unit/flags.test.ts': 'unit',
    'test/e2e/cluster/power.test.ts': 'cluster',
    'test/fakes/lab/guest.test.ts': 'unit',
  }
  for (const [file, tier] of Object.entries(tiers)) t.equal(tierOf(file), tier, file)
})

t.test('this very file is found, once', async t => {
  const found = findTestFiles(join(import.meta.dirname, '..', '..'))
  const all = [...found.values()].flat()
  t.ok(found.get('unit')?.includes('test/tiers/test-files.test.ts'))
  t.ok(found.get('static')?.includes('test/gates/errors.test.ts'))
  t.equal(new Set(all).size, all.length)
  t.notOk(
    found.get('unit')?.some(file => /^test\/(e2e\/)?(lab|cluster)\/(?!unit\/)/.test(file)),
    'no guest is started by unit tests',
  )
})
