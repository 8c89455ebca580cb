/** The DRBD source and commands against a live 8.4 kernel, held to what `drbdsetup status` says at the same moment. */
import path from 'node:path'
import { breakDisk, mendDisk } from '../../lab/faults-disk.ts'
import { quote } from '../../lab/guest-files.ts'
import { openLab } from '../../lab/lab.ts'
import type { LabNode } from '../../lab/layout.ts'
import { drbdLine } from '../../lab/storage.ts'
import { t, testSignal } from '../../lab/tap-inside.ts'

const REPO = path.resolve(import.meta.dirname, '../../..')
const PROBE = 'node /app/test/agent/source/drbd-probe.ts'
const SPEC = { resource: 'r0', nodes: ['n1', 'n2'] } as const
const LINE = drbdLine(SPEC)

await using lab = await openLab({ nodes: 2, app: REPO }, testSignal)

interface Line {
  readonly event: string
  readonly because?: string
  readonly state: {
    readonly phase: string
    readonly familyVersion?: number
    readonly unknown: Record<string, number>
    readonly resources: Record<string, PlainResource>
    readonly helpers?: { readonly helper: string; readonly exitCode?: number }[]
  }
}
interface PlainResource {
  readonly role: string
  readonly suspended: Record<string, boolean>
  readonly devices: Record<
    string,
    { readonly minor: number; readonly disk: string; readonly fencing: string }
  >
  readonly connections: Record<string, PlainConnection>
}
interface PlainConnection {
  readonly state: string
  readonly peerRole: string
  readonly peerAddress?: string
  readonly peerDevices: Record<string, { readonly replication: string; readonly peerDisk: string }>
}

async function startProbe(node: LabNode, name: string, args = ''): Promise<void> {
  await lab.sh(
    node,
    `(${PROBE} ${args} >/run/${name}.jsonl 2>/run/${name}.log </dev/null & echo $! >/run/${name}.pid)`,
  )
  await lab.until(node, `cat /run/${name}.jsonl`, /drbd-(config|absent)/)
}

async function lines(node: LabNode, name: string): Promise<Line[]> {
  const text = await lab.sh(node, `cat /run/${name}.jsonl`)
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
}

const lastState = async (node: LabNode, name: string): Promise<Line['state'] | undefined> =>
  (await lines(node, name)).at(-1)?.state

/** Our state in the words of `drbdsetup status --verbose`, without what it alone prints. */
function ours(state: Line['state'] | undefined): string[] {
  return Object.entries(state?.resources ?? {}).flatMap(([name, { role, devices, connections }]) => [
    `${name} role:${role}`,
    ...Object.entries(devices).map(
      ([volume, { minor, disk }]) => `volume:${volume} minor:${minor} disk:${disk}`,
    ),
    // 8.4's status is made of other dumps, which leave out what stands alone.
    ...Object.values(connections)
      .filter(({ state: connection }) => connection !== 'StandAlone')
      .flatMap(({ state: connection, peerRole, peerDevices }) => [
        `connection:${connection} role:${peerRole}`,
        ...Object.entries(peerDevices).map(
          ([volume, each]) => `volume:${volume} replication:${each.replication} peer-disk:${each.peerDisk}`,
        ),
      ]),
  ])
}

function theirs(status: string): string[] {
  return status.split('\n').flatMap(line => {
    const word = (key: string): string => new RegExp(`(?:^| )${key}:(\\S+)`).exec(line)?.[1] ?? ''
    if (/^\S+ role:/.test(line)) return [`${line.split(' ')[0]} role:${word('role')}`]
    if (line.includes(' minor:'))
      return [`volume:${word('volume')} minor:${word('minor')} disk:${word('disk')}`]
    if (line.includes('connection:')) return [`connection:${word('connection')} role:${word('role')}`]
    if (line.includes('peer-disk:'))
      return [`volume:${word('volume')} replication:${word('replication')} peer-disk:${word('peer-disk')}`]
    return []
  })
}

async function compare(test: Pick<typeof t, 'strictSame'>, when: string): Promise<void> {
  for (const node of SPEC.nodes) {
    const status = theirs(await lab.sh(node, 'drbdsetup status --verbose'))
    let mine: string[] = []
    for (let tries = 0; tries < 20 && JSON.stringify(mine) !== JSON.stringify(status); tries++)
      mine = ours(await lastState(node, 'probe'))
    test.strictSame(mine, status, `${when}, ${node}`)
  }
}

const command = async (node: LabNode, wanted: object): Promise<Record<string, unknown>> =>
  JSON.parse(await lab.sh(node, `${PROBE} --command '${JSON.stringify(wanted)}'`)) as Record<string, unknown>
const V0 = { resource: 'r0', volume: 0, minor: 0 }

await t.test('the state is that of drbdsetup through connect, promote, cut, disk error', async t => {
  for (const node of SPEC.nodes) {
    await lab.sh(node, 'echo 4 >/run/fence-answer')
    await startProbe(node, 'probe')
  }
  await lab.setupResource({ ...SPEC, fileSystem: 'none' })
  await compare(t, 'connected')
  await lab.sh('n1', 'drbdadm primary r0')
  await compare(t, 'promoted')
  await lab.cut('n2', 'repl')
  await lab.sh('n1', 'dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 oflag=direct status=none')
  await lab.until('n1', LINE, /cs:WFConnection .*ds:UpToDate\/Outdated/)
  await compare(t, 'cut')
  const cut = await lastState('n1', 'probe')
  t.match(cut?.helpers?.at(-1), { helper: 'fence-peer', exitCode: 4 }, 'the helper and its answer')
  t.equal(cut?.resources['r0']?.devices['0']?.fencing, 'resource-and-stonith', 'the policy was read')
  t.equal(cut?.resources['r0']?.connections['-1']?.peerAddress, '10.98.0.12:7789', 'the peer has an address')
  await lab.heal('n2', 'repl')
  await lab.until('n1', LINE, /cs:Connected .*ds:UpToDate\/UpToDate/)
  await compare(t, 'healed')
  await breakDisk(lab, 'n1', { ...SPEC }, { kind: 'error' })
  await lab.sh('n1', 'dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 oflag=direct status=none')
  await lab.until('n1', LINE, /ds:Diskless/)
  await compare(t, 'disk error')
  await mendDisk(lab, 'n1', { ...SPEC })
  await lab.until('n1', LINE, /cs:Connected .*ds:UpToDate\/UpToDate/)
  await compare(t, 'attached')
  for (const node of SPEC.nodes)
    t.strictSame((await lastState(node, 'probe'))?.unknown, {}, `nothing unknown on ${node}`)
})

await t.test('commands and their outcomes', async t => {
  t.match(await command('n2', { kind: 'primary', of: V0, force: false }), {
    kind: 'refused',
    name: 'SS_TWO_PRIMARIES',
  })
  // 8.4's own answer is "nothing to do", and the disk stays UpToDate.
  t.match(await command('n2', { kind: 'outdate', of: V0 }), {
    kind: 'refused',
    code: 2,
    info: ['the disk is UpToDate'],
  })
  t.match(await command('n1', { kind: 'suspend-io', of: V0 }), { kind: 'done' })
  t.match((await lastState('n1', 'probe'))?.resources['r0']?.suspended, { user: true })
  t.match(await command('n1', { kind: 'resume-io', of: V0 }), { kind: 'done' })
  t.match(await command('n1', { kind: 'secondary', of: V0, force: false }), { kind: 'done' })
  t.match(await command('n1', { kind: 'secondary', of: V0, force: false }), { kind: 'already' })
  t.match(
    await command('n1', { kind: 'primary', of: { ...V0, minor: 99, resource: 'none' }, force: false }),
    { kind: 'refused', code: 127 },
  )
  await lab.sh('n2', 'drbdadm disconnect r0')
  t.match(await command('n2', { kind: 'outdate', of: V0 }), { kind: 'done' })
  t.match(await command('n2', { kind: 'outdate', of: V0 }), { kind: 'already' })
  await compare(t, 'outdated')
  await lab.sh('n2', 'drbdadm connect r0')
  await lab.until('n1', LINE, /cs:Connected .*ds:UpToDate\/UpToDate/)
})

await t.test('as nobody: events yes, commands no', async t => {
  const outcome = await lab.sh(
    'n1',
    `setpriv --reuid=65534 --clear-groups ${PROBE} --command '${JSON.stringify({ kind: 'outdate', of: V0 })}'`,
  )
  t.match(JSON.parse(outcome), { kind: 'error', code: 'RIGHTS_MISSING' })
  const once = await lab.sh('n1', `setpriv --reuid=65534 --clear-groups ${PROBE} --once 2>/dev/null`)
  t.match(JSON.parse(once.trimEnd().split('\n').at(-1) ?? ''), { state: { phase: 'live' } })
})

await t.test('lost events: said, and made good by a dump', async t => {
  await startProbe('n1', 'small', '--receive-bytes 4096')
  await lab.sh(
    'n1',
    'kill -USR2 $(cat /run/small.pid); for i in $(seq 15); do drbdsetup primary 0; drbdsetup secondary 0; done; drbdsetup primary 0',
  )
  await lab.until('n1', 'cat /run/small.jsonl', /"because":"overrun"[\s\S]*drbd-snapshot[\s\S]*drbd-config/)
  t.strictSame(ours(await lastState('n1', 'small')), theirs(await lab.sh('n1', 'drbdsetup status --verbose')))
  t.equal((await lastState('n1', 'small'))?.phase, 'live')
  await lab.sh('n1', 'drbdsetup secondary 0; kill $(cat /run/small.pid)')
})

await t.test('the module goes and comes back under another number', async t => {
  await lab.sh('n1', 'drbdadm down r0; rmmod drbd')
  await lab.until('n1', 'tail -1 /run/probe.jsonl', /no module/)
  await lab.sh('n1', 'modprobe drbd usermode_helper=/sbin/drbdadm')
  await lab.until('n1', 'tail -1 /run/probe.jsonl', /"phase":"live"/)
  await lab.bringUpAgain('n1')
  await lab.until('n1', LINE, /cs:Connected .*ds:UpToDate\/UpToDate/)
  await compare(t, 'after the reload')
})

await t.test('a real watchdog: fed it waits, let go it is still', async t => {
  const script = `
    const { openWatchdog } = await import('/app/native/watchdog.ts')
    const pause = s => new Promise(resolve => setTimeout(resolve, s * 1000))
    const dog = openWatchdog('/dev/watchdog1', 4)
    console.log(dog.identity, dog.timeoutSeconds)
    for (let i = 0; i < 6; i++) { await pause(1); dog.feed() }
    dog.disarm()
    await pause(5)
    console.log('still')`
  await lab.sh('n1', 'modprobe softdog nowayout=0')
  t.equal(await lab.sh('n1', `node --input-type=module -e ${quote(script)}`), 'Software Watchdog 4\nstill\n')
})

await t.test('a watchdog that the kernel lets nobody stop says so', async t => {
  const script = `
    const { openWatchdog } = await import('/app/native/watchdog.ts')
    const dog = openWatchdog('/dev/watchdog1', 60)
    try { dog.disarm() } catch (error) { console.log(error.code, error.fields.errno) }
    dog.feed()
    console.log('fed')`
  // In the other guest: it resets itself when the file is over.
  await lab.sh('n2', 'modprobe softdog nowayout=1')
  t.equal(
    await lab.sh('n2', `node --input-type=module -e ${quote(script)}`),
    'WATCHDOG_UNAVAILABLE EBUSY (16)\nfed\n',
  )
})

await t.test('told to stop, the source stops', async t => {
  const status = await lab.sh(
    'n1',
    'kill $(cat /run/probe.pid); for i in $(seq 20); do kill -0 $(cat /run/probe.pid) 2>/dev/null || { echo gone; break; }; sleep 0.1; done',
  )
  t.equal(status, 'gone\n')
})
