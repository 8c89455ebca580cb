/** Publishing and taking back a volume, against a node of which only the programs are made up. */
import t from 'tap'
import type { NodeHost } from './host.ts'
import { parseMounts } from './host.ts'
import { publish, unpublish, type VolumeStep } from './volume.ts'

const { signal } = new AbortController()
const REQUEST = {
  volumeId: 'r0',
  targetPath: '/target',
  mount: { fsType: 'xfs', flags: ['noatime'] },
  readonly: false,
  context: { device: '/dev/drbd0' },
}

/** A node with one DRBD resource that can be promoted after `refusals` attempts. */
function openNode(refusals = 0) {
  const calls: string[] = []
  const mounts = new Map<string, string>()
  let left = refusals
  const act = (argv: readonly string[]): number => {
    calls.push(argv.join(' '))
    if (argv[1] === 'primary' && left-- > 0) return 17
    if (argv[0] === 'mount') mounts.set(argv.at(-1) ?? '', argv.at(-2) ?? '')
    if (argv[0] === 'umount') mounts.delete(argv[1] ?? '')
    return 0
  }
  const host: NodeHost = {
    run: argv => Promise.resolve({ status: act(argv), stdout: '', stderr: '' }),
    readMounts: () => Promise.resolve(mounts),
  }
  const steps: VolumeStep['step'][] = []
  return { host, calls, mounts, steps, note: (step: VolumeStep['step']) => void steps.push(step) }
}

t.test('promotes, then mounts, and does neither twice', async t => {
  const { host, calls, note, steps } = openNode()
  await publish(host, REQUEST, note, signal)
  await publish(host, REQUEST, note, signal)
  t.same(calls, ['drbdadm primary r0', 'mkdir -p /target', 'mount -t xfs -o rw,noatime /dev/drbd0 /target'])
  t.same(steps, ['publish', 'promoted', 'mounted'])
})

t.test('asks again while the promotion is refused', async t => {
  const { host, calls, note } = openNode(2)
  await publish(host, REQUEST, note, signal)
  t.equal(calls.filter(call => call === 'drbdadm primary r0').length, 3)
})

t.test('a raw block volume or a strange device is refused before anything is done', async t => {
  const { host, calls, note } = openNode()
  const bad = [
    { ...REQUEST, mount: undefined },
    { ...REQUEST, context: {} },
    { ...REQUEST, context: { device: '/dev/../etc' } },
  ]
  for (const request of bad)
    await t.rejects(publish(host, request, note, signal), { code: 'ARGUMENT_INVALID' })
  t.same(calls, [])
})

t.test('unmounts, then demotes; may be repeated', async t => {
  const { host, calls, mounts, note } = openNode()
  mounts.set('/target', '/dev/drbd0')
  await unpublish(host, REQUEST, note, signal)
  await unpublish(host, REQUEST, note, signal)
  t.same(calls, [
    'umount /target',
    'rmdir /target',
    'drbdadm secondary r0',
    'rmdir /target',
    'drbdadm secondary r0',
  ])
})

t.test('does not demote under another pod', async t => {
  const { host, calls, mounts, note } = openNode()
  mounts.set('/target', '/dev/drbd0').set('/other', '/dev/drbd0')
  await unpublish(host, REQUEST, note, signal)
  t.same(calls, ['umount /target', 'rmdir /target'])
})

t.test('the mount table: the last mount over a point, and escaped names', t => {
  const text = [
    '30 1 0:1 / / rw - overlay overlay rw',
    '31 30 147:0 / /a\\040b rw shared:1 - ext4 /dev/drbd0 rw',
    '32 30 0:2 / /x rw - tmpfs one rw',
    '33 32 0:3 / /x rw - tmpfs two rw',
    '',
  ].join('\n')
  t.same(
    [...parseMounts(text)],
    [
      ['/', 'overlay'],
      ['/a b', '/dev/drbd0'],
      ['/x', 'two'],
    ],
  )
  t.end()
})
