/** The reset trigger writes one byte to a descriptor that is open already. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { openSysRq } from '../../native/sysrq.ts'

t.test('one byte, even when the file is gone by then', t => {
  const file = path.join(t.testdir({ trigger: '' }), 'trigger')
  using sysrq = openSysRq(file)
  sysrq.reboot()
  t.equal(readFileSync(file, 'latin1'), 'b')
  rmSync(file)
  t.doesNotThrow(() => sysrq.reboot())
  writeFileSync(file, '')
  t.end()
})

t.test('no trigger, no promise', t => {
  t.throws(() => openSysRq('/proc/no-such-trigger'), { code: 'RIGHTS_MISSING' })
  t.end()
})
