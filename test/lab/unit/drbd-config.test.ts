/** Resource files: addresses, minors, handlers, and what drbdadm itself makes of them. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { drbdDevice, renderResource } from '../drbd-config.ts'
import { findProgram } from '../requirements.ts'
import { tryRun } from '../run.ts'

t.test('number, device, port and addresses belong together', async t => {
  t.equal(drbdDevice({ resource: 'r19' }), '/dev/drbd19')
  const text = renderResource({ resource: 'r3', nodes: ['n1', 'n4'] })
  t.match(text, /device minor 3; disk \/dev\/mapper\/fault-r3;/)
  t.match(text, /on n4 \{ address 10\.98\.0\.14:7792; \}/)
  t.throws(() => renderResource({ resource: 'r20', nodes: ['n1', 'n2'] }), { code: 'ARGUMENT_INVALID' })
  t.match(renderResource({ resource: 'pvc-1', minor: 7, nodes: ['n1', 'n2'] }), /device minor 7/)
})

t.test('the fence handler is the lab’s own unless told', async t => {
  t.match(
    renderResource({ resource: 'r0', nodes: ['n1', 'n2'] }),
    /fence-peer "\/lab\/handler\.sh fence-peer";/,
  )
  const product = renderResource({
    resource: 'r0',
    nodes: ['n1', 'n2'],
    handler: '/usr/lib/hawser/fence-peer',
  })
  t.match(product, /fence-peer "\/usr\/lib\/hawser\/fence-peer";/)
})

t.test(
  'drbdadm reads it',
  { skip: findProgram('drbdadm') === undefined && 'drbd-utils is not installed' },
  async t => {
    const folder = t.testdir()
    const file = path.join(folder, 'drbd.conf')
    const resources = ['r0', 'r1'].map(resource =>
      renderResource({ resource, nodes: ['n1', 'n2'], net: { timeout: 20 } }),
    )
    writeFileSync(file, ['global { usage-count no; }', ...resources].join('\n'))
    const drbdadm = findProgram('drbdadm') ?? 'drbdadm'
    const { status, stdout, stderr } = await tryRun([drbdadm, '-c', file, 'dump', 'all'], {
      env: { DRBD_DRIVER_VERSION_OVERRIDE: '8.4.11' },
    })
    t.equal(status, 0, stderr)
    t.match(stdout, /resource r1/)
    t.match(stdout, /timeout\s+20;/, 'an option of the caller wins')
  },
)
