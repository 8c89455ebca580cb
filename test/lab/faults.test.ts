/** Each fault of the lab shows its effect, on one lab of three guests. */
import { once } from 'node:events'
import { openLab } from './lab.ts'
import { type LabNode, nodeAddress } from './layout.ts'
import { drbdLine } from './storage.ts'
import { t, testSignal } from './tap-inside.ts'

await using lab = await openLab({ nodes: 3, diskSize: '512M' }, testSignal)
const r0 = { resource: 'r0', nodes: ['n1', 'n2'] } as const
const line = drbdLine(r0)
for (const node of r0.nodes) await lab.sh(node, 'echo 4 >/run/fence-answer')
await Promise.all([
  lab.setupResource(r0),
  lab.setupResource({ resource: 'r1', nodes: ['n3', 'n1'], thinPoolMiB: 96 }),
])
await lab.promote('n1', 'r0')

async function reaches(from: LabNode, to: LabNode, net: 'mgmt' | 'repl' | 'ctl'): Promise<boolean> {
  return (await lab.exec(from, `ping -c 1 -W 1 ${nodeAddress(to, net)}`)).status === 0
}

async function pingMs(from: LabNode, to: LabNode): Promise<number> {
  const text = await lab.sh(from, `ping -c 2 -i 0.3 -W 2 ${nodeAddress(to, 'mgmt')}`)
  return Number(/min\/avg\/max\/mdev = ([\d.]+)/.exec(text)?.[1])
}

await t.test('commands stream, pass their status on, and die at their deadline', async t => {
  const pieces: string[] = []
  const options = { onOutput: (stream: string, text: string) => pieces.push(`${stream}:${text}`) }
  const result = await lab.exec('n3', 'echo one; sleep 0.3; echo two >&2; exit 7', options)
  t.match(result, { status: 7, stdout: 'one\n', stderr: 'two\n' })
  t.strictSame(pieces, ['stdout:one\n', 'stderr:two\n'])
  await t.rejects(lab.exec('n3', 'sleep 76543', { deadlineMs: 500 }), { code: 'DEADLINE_PASSED' })
  await lab.until('n3', 'pgrep -c -x sleep || true', /^0$/m)
  await t.rejects(lab.sh('n3', 'false'), { code: 'PROGRAM_FAILED' })
})

await t.test('one cable of one node', async t => {
  await lab.cut('n3', 'mgmt')
  t.strictSame([await reaches('n3', 'n1', 'mgmt'), await reaches('n3', 'n1', 'repl')], [false, true])
  await lab.heal('n3', 'mgmt')
  t.ok(await reaches('n3', 'n1', 'mgmt'))
})

await t.test('between two nodes only', async t => {
  await lab.cutLink('n1', 'n3', 'mgmt')
  const seen = await Promise.all([
    reaches('n1', 'n3', 'mgmt'),
    reaches('n3', 'n1', 'mgmt'),
    reaches('n1', 'n2', 'mgmt'),
    reaches('n3', 'n2', 'mgmt'),
  ])
  t.strictSame(seen, [false, false, true, true])
  await lab.healLink('n1', 'n3', 'mgmt')
  await lab.healLink('n1', 'n3', 'mgmt')
  await lab.healLink('n2', 'n3', 'repl')
  t.ok(await reaches('n1', 'n3', 'mgmt'))
})

await t.test('delay, loss and reordering', async t => {
  const usual = await pingMs('n2', 'n3')
  await lab.shapeNet('n3', 'mgmt', { delayMs: 60 })
  const slow = await pingMs('n2', 'n3')
  t.ok(slow >= 110 && usual < 60, `${usual} ms → ${slow} ms, both ways delayed`)
  await lab.shapeNet('n3', 'mgmt', { delayMs: 100, reorderPercent: 50 })
  const answers = await lab.sh('n2', `ping -c 20 -i 0.02 -W 2 ${nodeAddress('n3', 'mgmt')}`)
  const order = [...answers.matchAll(/icmp_seq=(\d+)/g)].map(([, seq]) => Number(seq))
  t.not(order.join(), order.toSorted((a, b) => a - b).join(), 'packets overtook each other')
  await lab.shapeNet('n3', 'mgmt', { lossPercent: 100 })
  t.notOk(await reaches('n2', 'n3', 'mgmt'))
  await lab.unshapeNet('n3', 'mgmt')
  t.ok((await pingMs('n2', 'n3')) < 60)
})

await t.test('freeze and thaw', async t => {
  lab.freeze('n3')
  await t.rejects(lab.exec('n3', 'true', { deadlineMs: 1_500 }), { code: 'DEADLINE_PASSED' })
  lab.thaw('n3')
  t.equal((await lab.exec('n3', 'true')).status, 0)
})

await t.test('a failing disk is detached, and comes back', async t => {
  await lab.breakDisk('n1', 'r0', { kind: 'error' })
  await lab.sh('n1', 'echo one >/mnt/r0/word; sync /mnt/r0/word')
  await lab.until('n1', line, /ds:Diskless\/UpToDate/)
  t.equal(await lab.sh('n1', 'cat /mnt/r0/word'), 'one\n')
  await lab.mendDisk('n1', 'r0')
  await lab.until('n1', line, /ds:UpToDate\/UpToDate/)
})

await t.test('bad blocks hit reads until they are written anew', async t => {
  await lab.breakDisk('n2', 'r0', { kind: 'bad-blocks', blocks: [8, 9] })
  t.not(
    (await lab.exec('n2', 'dd if=/dev/mapper/fault-r0 of=/dev/null bs=512 skip=8 count=1 iflag=direct'))
      .status,
    0,
  )
  t.equal(
    (await lab.exec('n2', 'dd if=/dev/mapper/fault-r0 of=/dev/null bs=512 skip=16 count=1 iflag=direct'))
      .status,
    0,
  )
  await lab.mendDisk('n2', 'r0')
  t.equal(
    (await lab.exec('n2', 'dd if=/dev/mapper/fault-r0 of=/dev/null bs=512 skip=8 count=1 iflag=direct'))
      .status,
    0,
  )
})

await t.test('a disk that stumbles: dm-flakey', async () => {
  await lab.breakDisk('n2', 'r0', { kind: 'flaky', upS: 1, downS: 1 })
  await lab.sh('n1', 'for i in $(seq 15); do date >/mnt/r0/word; sync /mnt/r0/word; sleep 0.2; done')
  await lab.until('n1', line, /ds:UpToDate\/Diskless/)
  await lab.mendDisk('n2', 'r0')
  await lab.until('n1', line, /ds:UpToDate\/UpToDate/)
})

await t.test('a slow disk, and one that hangs', async t => {
  const write = async (): Promise<number> => {
    const begin = performance.now()
    await lab.sh('n1', 'dd if=/dev/zero of=/mnt/r0/slow bs=4k count=1 oflag=direct 2>/dev/null')
    return performance.now() - begin
  }
  await write()
  await lab.breakDisk('n1', 'r0', { kind: 'slow', delayMs: 1_500 })
  const slow = await write()
  t.ok(slow >= 1_500, `${Math.round(slow)} ms`)
  await lab.mendDisk('n1', 'r0')
  await lab.breakDisk('n1', 'r0', { kind: 'hang' })
  let ended = false
  const hanging = write().then(() => {
    ended = true
  })
  await new Promise(resolve => setTimeout(resolve, 1_000))
  t.notOk(ended)
  await lab.mendDisk('n1', 'r0')
  await hanging
})

await t.test('disks come and go', async t => {
  const device = await lab.plugDisk('n3', 3, '64M')
  t.equal(device, '/dev/ubdd')
  t.equal((await lab.sh('n3', `blockdev --getsize64 ${device}`)).trim(), String(64 << 20))
  await lab.sh(
    'n3',
    `pvcreate -q -y ${device} && vgcreate -q other ${device} && lvcreate -q -y -Wn -L 8M -n x other`,
  )
  await t.rejects(lab.unplugDisk('n3', 3), { code: 'LAB_FAILED' }, 'refused while in use')
  await lab.sh('n3', 'vgchange -q -an other')
  await lab.unplugDisk('n3', 3)
  t.notOk((await lab.sh('n3', 'cat /proc/partitions')).includes('ubdd'))
})

await t.test('a thin pool runs full below a resource', async t => {
  await lab.promote('n3', 'r1')
  await lab.fillThinPool('n3')
  await lab.exec('n3', 'dd if=/dev/zero of=/mnt/r1/big bs=1M count=40 conv=fsync 2>/dev/null')
  await lab.until('n3', drbdLine({ resource: 'r1' }), /ds:Diskless\/UpToDate/)
  t.equal((await lab.sh('n1', drbdLine({ resource: 'r1' }))).match(/ds:(\S+)/)?.[1], 'UpToDate/Diskless')
  await lab.emptyThinPool('n3')
})

await t.test('processes are killed, stopped and go on', async t => {
  await lab.sh('n3', '(setsid sleep 33333 &) ; (setsid sleep 44444 &)')
  await lab.until('n3', 'pgrep -c -x sleep', /^2$/m)
  t.equal((await lab.stopProcess('n3', /^sleep 33333/)).length, 1)
  t.match(await lab.sh('n3', 'ps -o stat= -C sleep | sort'), /T/)
  t.equal((await lab.contProcess('n3', /^sleep 33333/)).length, 1)
  t.notMatch(await lab.sh('n3', 'ps -o stat= -C sleep'), /T/)
  t.equal((await lab.killProcess('n3', /^sleep (33333|44444)/)).length, 2)
  t.strictSame(await lab.killProcess('n3', /no such process/), [])
})

await t.test('the clock jumps, the monotonic one does not', async t => {
  const begin = Number(await lab.sh('n3', "awk '{print $1}' /proc/uptime"))
  await lab.clockJump('n3', -3600)
  const behind = Date.now() / 1000 - Number(await lab.sh('n3', 'date +%s'))
  t.ok(behind > 3590 && behind < 3610, `${behind} s behind`)
  const later = Number(await lab.sh('n3', "awk '{print $1}' /proc/uptime"))
  t.ok(later >= begin && later < begin + 30)
  await lab.clockJump('n3', 3600)
})

await t.test('drbdsetup hangs', async t => {
  await lab.hungDrbdsetup('n3')
  await t.rejects(lab.exec('n3', 'drbdsetup status', { deadlineMs: 1_000 }), { code: 'DEADLINE_PASSED' })
  await lab.unhungDrbdsetup('n3')
  t.equal((await lab.exec('n3', 'drbdsetup status')).status, 0)
})

await t.test('orderly halt; a boot without DRBD; what /var/lib/hawser keeps', async t => {
  await lab.sh('n3', 'echo kept >/var/lib/hawser/word')
  const down = once(lab.events, 'down')
  await lab.halt('n3')
  t.match(await down, [{ node: 'n3', end: { kind: 'halted' } }])
  await t.rejects(lab.exec('n3', 'true'), { code: 'LAB_FAILED' })
  await lab.boot(['n3'], { withoutDrbd: true })
  t.equal(await lab.sh('n3', 'cat /var/lib/hawser/word'), 'kept\n')
  t.equal((await lab.exec('n3', 'test -e /proc/drbd')).status, 1)
  t.not((await lab.exec('n3', 'modprobe drbd')).status, 0)
})

await t.test('a program of this machine in the lab’s network', async t => {
  t.equal((await lab.inNet(['ping', '-c', '1', '-W', '2', nodeAddress('n2', 'mgmt')])).status, 0)
})
