/** Reasons for a guest's end, read from its console. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { announcesReset, BOOT_LINE, lastLines, lastWord, whyEnded } from '../console.ts'

const boot = `${BOOT_LINE} 2026-01-01T00:00:00Z`

t.test('the reason is that of the last boot', async t => {
  t.equal(whyEnded([boot, 'softdog: Initiating system reboot', 'lab: the guest reset itself']), 'watchdog')
  t.equal(whyEnded([boot, 'sysrq: Resetting']), 'sysrq')
  t.equal(whyEnded([boot, 'reboot: Restarting system']), 'reboot')
  t.equal(whyEnded([boot, 'Kernel panic - not syncing: no init', 'a trace']), 'panic: no init')
  t.equal(whyEnded([boot, 'sysrq: Resetting', boot, 'lab: n1 up after 3 s']), 'lab: n1 up after 3 s')
  t.equal(whyEnded([boot]), 'nothing on the console')
})

t.test('the word for a person is PID 1’s own, if it said one in this boot', async t => {
  t.equal(lastWord([boot, 'lab: no overlay', 'reboot: System halted']), 'lab: no overlay')
  t.equal(lastWord(['lab: n1 up', boot, 'Kernel panic', 'trace']), 'trace')
  t.equal(lastWord([boot]), 'nothing on the console')
})

t.test('only known words announce a reset', async t => {
  t.ok(announcesReset([boot, 'sysrq: Resetting']))
  t.ok(announcesReset([boot, 'Kernel panic - not syncing: x']))
  t.notOk(announcesReset([boot, 'lab: n1 up after 3 s']))
  t.notOk(announcesReset([boot, 'sysrq: Resetting', boot, 'up']))
})

t.test('a log is read from its end, without control characters', async t => {
  const file = path.join(t.testdir(), 'console.log')
  writeFileSync(file, `${'x'.repeat(100_000)}\n\x1b[1mone\r\n\ntwo\n`)
  t.strictSame(lastLines(file, 2), ['[1mone', 'two'])
  t.strictSame(lastLines(`${file}.none`), [])
})
