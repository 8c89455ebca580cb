/** The tables and the installer of Debian packages; nothing is installed here. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { missingPackages } from './debian.ts'
import { PART_NAMES, PARTS, packagesOf } from './debian-parts.ts'
import { forbidServiceStarts } from './service-policy.ts'

t.test('every package has a reason, and none stands twice in a part', async t => {
  const all = PART_NAMES.flatMap(part => PARTS[part])
  for (const { name, why } of all) {
    t.match(name, /^[a-z0-9][a-z0-9+.-]+$/)
    t.ok(why.length > 10, `${name}: ${why}`)
  }
  for (const part of PART_NAMES) t.equal(packagesOf([part]).length, PARTS[part].length, part)
  t.equal(packagesOf(PART_NAMES).length, new Set(all.map(({ name }) => name)).size)
  t.equal(packagesOf(['lab', 'lab']).length, PARTS.lab.length)
})

t.test('what dpkg knows to be installed is not missing', async t => {
  const missing = await missingPackages(['lab', 'cluster'], AbortSignal.timeout(20_000))
  for (const { name } of missing) {
    const installed = execFileSync('sh', ['-c', `dpkg -s ${name} 2>/dev/null || true`], {
      timeout: 20_000,
    }).toString()
    t.notMatch(installed, /^Status: .* installed$/m, `${name} is really not installed`)
  }
  t.same(await missingPackages([], AbortSignal.timeout(1_000)), [])
})

t.test('the service policy says no while we live, and leaves nothing behind', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'hawser-policy-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'policy-rc.d')
  const ask = () => {
    try {
      execFileSync(path, ['containerd', 'start'], { timeout: 5_000 })
      return 0
    } catch (error) {
      return (error as { status: number }).status
    }
  }
  {
    using _policy = forbidServiceStarts(path)
    t.equal(ask(), 101)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(`kill -0 ${process.pid}`, 'kill -0 4194999'), { mode: 0o755 })
    t.equal(ask(), 0, 'one left behind by a killed installer allows everything again')
  }
  t.notOk(existsSync(path))
  writeFileSync(path, '#!/bin/sh\nexit 104\n', { mode: 0o755 })
  {
    using _policy = forbidServiceStarts(path)
    t.equal(ask(), 104, 'a policy of the machine stays in force')
  }
  t.ok(existsSync(path), 'and in place')
})
