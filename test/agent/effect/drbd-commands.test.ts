/** Commands to DRBD: outcomes, deadlines, and what "nothing to do" is worth. */
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { openDrbdCommands } from '../../../agent/effect/drbd-commands.ts'
import { CMD } from '../../../agent/wire/drbd-codes.ts'
import type { DrbdCommand } from '../../../agent/wire/drbd-request.ts'
import { FakeDrbdKernel } from '../../fakes/drbd-kernel.ts'

const of = { resource: 'r0', volume: 0, minor: 7 }
const signal = new AbortController().signal
const options = { deadlineMs: 2_000, signal }
const outdate: DrbdCommand = { kind: 'outdate', of }

function kernelWith(disk: number): FakeDrbdKernel {
  const kernel = new FakeDrbdKernel()
  kernel.load(30)
  const blocks = {
    cfg_context: { ctx_resource_name: 'r0', ctx_volume: 0 },
    device_info: { dev_disk_state: disk },
  }
  kernel.objects = [{ cmd: CMD.DEVICE_STATE, minor: 7, blocks }]
  return kernel
}

t.test('what DRBD says is an outcome', async t => {
  using kernel = kernelWith(9)
  const commands = openDrbdCommands(systemClock, { open: kernel.open })
  t.match(await commands.run({ kind: 'primary', of, force: false }, options), {
    kind: 'done',
    name: 'NO_ERROR',
  })
  kernel.onCommand = ({ cmd, minor, blocks }) => {
    t.match(
      { cmd, minor, blocks },
      { cmd: CMD.SECONDARY, minor: 7, blocks: { set_role_parms: { force: true } } },
    )
    return -12
  }
  t.match(await commands.run({ kind: 'secondary', of, force: true }, options), {
    kind: 'refused',
    name: 'SS_DEVICE_IN_USE',
  })
})

t.test('"nothing to do" outdates nothing unless the disk says so', async t => {
  for (const [disk, outcome] of [
    [9, { kind: 'refused', info: ['the disk is UpToDate'] }],
    [8, { kind: 'refused', info: ['the disk is Consistent'] }],
    [0, { kind: 'refused', info: ['the disk is Diskless'] }],
    [6, { kind: 'already' }],
    [5, { kind: 'already' }],
  ] as const) {
    using kernel = kernelWith(disk)
    kernel.onCommand = () => 2
    t.match(await openDrbdCommands(systemClock, { open: kernel.open }).run(outdate, options), outcome)
  }
  using kernel = kernelWith(9)
  kernel.onCommand = () => 2
  kernel.objects = []
  t.match(await openDrbdCommands(systemClock, { open: kernel.open }).run(outdate, options), {
    kind: 'refused',
    info: ['the disk is not there'],
  })
})

t.test('no module', async t => {
  using kernel = new FakeDrbdKernel()
  await t.rejects(openDrbdCommands(systemClock, { open: kernel.open }).run(outdate, options), {
    code: 'DRBD_ABSENT',
  })
})

t.test('a kernel that hangs costs the deadline, and those behind it wait no longer than theirs', async t => {
  using kernel = kernelWith(9)
  kernel.onCommand = () => undefined
  const commands = openDrbdCommands(systemClock, { open: kernel.open, atOnce: 1 })
  const begun = systemClock.mono()
  const first = t.rejects(commands.run(outdate, { deadlineMs: 200, signal }), { code: 'DEADLINE_PASSED' })
  const second = t.rejects(commands.run(outdate, { deadlineMs: 100, signal }), { code: 'DEADLINE_PASSED' })
  await Promise.all([first, second])
  t.ok(systemClock.mono() - begun < 1_000)
  kernel.onCommand = () => 1
  t.match(await commands.run(outdate, options), { kind: 'done' }, 'the place is free again')
})
