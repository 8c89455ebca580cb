/** What is no watchdog is refused; the real one is tried in the kernel lab, where a reset hurts nobody. */
import t from 'tap'
import { openWatchdog } from '../../native/watchdog.ts'

t.test('a device that is none', t => {
  t.throws(() => openWatchdog('/dev/null', 5), {
    code: 'WATCHDOG_UNAVAILABLE',
    fields: { call: 'WDIOC_GETSUPPORT' },
  })
  t.throws(() => openWatchdog('/dev/no-such-watchdog', 5), { code: 'WATCHDOG_UNAVAILABLE' })
  t.end()
})
