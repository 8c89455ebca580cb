/** deploy/vagrant/provision.sh makes a node out of a guest of the lab: its steps storage, resource and agent. */
import { openLab } from '../../lab/lab.ts'
import { type LabNode, nodeAddress } from '../../lab/layout.ts'
import { t, testSignal } from '../../lab/tap-inside.ts'

const ROOT = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '')
const NODES = ['n1', 'n2', 'n3'] as const
const SCRIPT = 'bash /app/deploy/vagrant/provision.sh'
const LINE = "grep '^ 0:' /proc/drbd"

await using lab = await openLab({ nodes: 3, app: decodeURIComponent(ROOT) }, testSignal)

/** The environment that the Vagrantfile would set, with the lab's addresses and disk. */
function environment(node: LabNode, disk = '/dev/ubda'): string {
  const nodes = NODES.map(name => `${name}=${nodeAddress(name, 'mgmt')},${nodeAddress(name, 'repl')}`)
  const key = '0123456789abcdef'.repeat(4)
  return `HAWSER_HOME=/app HAWSER_DISK=${disk} HAWSER_SIZE=64M HAWSER_KEY=${key} HAWSER_NODE=${node} HAWSER_NODES="${nodes.join(' ')}"`
}

await t.test('two nodes carry the resource, the third one only votes', async t => {
  for (const node of NODES) {
    const said = await lab.sh(node, `${environment(node)} ${SCRIPT} storage resource agent`)
    t.match(said, new RegExp(`agent/main.ts --node ${node} --api none`), `${node}: how the agent is started`)
    const members = JSON.parse(String(await lab.readFile(node, '/etc/hawser/members.json')))
    t.equal(members.members.length, 3)
    t.equal((await lab.sh(node, 'stat -c %a /etc/hawser/key')).trim(), '600')
  }
  await lab.until('n1', LINE, /cs:Connected ro:Secondary\/Secondary ds:Inconsistent\/Inconsistent/)
  t.notOk((await lab.exec('n3', LINE)).stdout, 'n3 has no device')
})

await t.test('a second call changes nothing, not even under a file system in use', async t => {
  await lab.sh(
    'n1',
    'drbdadm primary --force r0 && mkfs.ext4 -q /dev/drbd0 && mkdir /mnt/r0 && mount /dev/drbd0 /mnt/r0',
  )
  await lab.sh('n1', 'echo precious >/mnt/r0/word; sync')
  for (const node of NODES) await lab.sh(node, `${environment(node)} ${SCRIPT} storage resource`)
  t.equal(await lab.sh('n1', 'cat /mnt/r0/word'), 'precious\n')
  await lab.until('n1', LINE, /cs:Connected ro:Primary\/Secondary ds:UpToDate\/UpToDate/, {
    deadlineMs: 60_000,
  })
})

await t.test('after a power cut the resource comes up with its data', async t => {
  await lab.powerCut('n1')
  await lab.boot(['n1'])
  await lab.sh('n1', `${environment('n1')} ${SCRIPT} storage resource`)
  await lab.until('n1', LINE, /cs:Connected .*ds:UpToDate\/UpToDate/, { deadlineMs: 60_000 })
  t.equal(
    await lab.sh('n1', 'drbdadm primary r0 && mount -o X-mount.mkdir /dev/drbd0 /mnt/r0 && cat /mnt/r0/word'),
    'precious\n',
  )
})

await t.test('a disk that is not empty is refused, as is a key that is too short', async t => {
  await lab.sh('n3', 'mkfs.ext4 -q /dev/ubdb && vgrename -q vg0 other')
  const disk = await lab.exec('n3', `${environment('n3', '/dev/ubdb')} ${SCRIPT} storage 2>&1`)
  t.match(disk, { status: 1, stdout: /provision: \/dev\/ubdb is not empty: .*ext4/ })
  const key = await lab.exec('n3', `${environment('n3')} HAWSER_KEY=short ${SCRIPT} agent 2>&1`)
  t.match(key, { status: 1, stdout: /provision: HAWSER_KEY must have at least 32 characters/ })
})
