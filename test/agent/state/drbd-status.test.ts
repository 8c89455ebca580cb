/** A dump as state says what `drbdsetup status` printed at the same moment, of 8.4 and of 9.x. */
import t from 'tap'
import type { Connection, Device, PeerDevice, Resource } from '../../../agent/state/drbd-model.ts'
import { dump84, dumps84, lives, VERSIONS_9 } from '../../golden/recordings.ts'
import { stateOf } from './replay.ts'

const sorted = <V>(map: ReadonlyMap<number, V>): V[] =>
  [...map].sort(([a], [b]) => a - b).map(([, value]) => value)
const kib = (bytes: number | undefined): number => (bytes ?? 0) / 1024

t.test('8.4, as text', t => {
  for (const { state, node } of dumps84()) {
    const dump = dump84(state, node)
    if (dump.moved) continue
    const resources = stateOf(1, dump.answers.get('GET_INITIAL_STATE') ?? []).resources
    t.strictSame(
      [...resources.values()].flatMap(lines84),
      theirs84(dump.text['status'] ?? ''),
      `${state} on ${node}`,
    )
  }
  t.end()
})

function lines84(resource: Resource): string[] {
  const { name, role, suspended, writeOrdering, devices, connections } = resource
  const words = [
    suspended.user && 'user',
    suspended.noData && 'no-data',
    suspended.fencing && 'fencing',
  ].filter(Boolean)
  return [
    `${name} role:${role} suspended:${words.length === 0 ? 'no' : words.join(',')} write-ordering:${writeOrdering}`,
    ...[...devices.values()].map(
      ({ volume, minor, disk, sizeBytes }) =>
        `volume:${volume} minor:${minor} disk:${disk} size:${kib(sizeBytes)}`,
    ),
    // 8.4's status is made of other dumps, which leave out what stands alone.
    ...[...connections.values()]
      .filter(({ state }) => state !== 'StandAlone')
      .flatMap(({ state, peerRole, peerDevices }) => [
        `connection:${state} role:${peerRole}`,
        ...[...peerDevices.values()].map(
          ({ volume, replication, peerDisk, outOfSyncBytes }) =>
            `volume:${volume} replication:${replication} peer-disk:${peerDisk} out-of-sync:${kib(outOfSyncBytes)}`,
        ),
      ]),
  ]
}

/** One line for each object, its continuation lines joined, and only the words that are compared. */
function theirs84(status: string): string[] {
  const objects = status
    .replaceAll(/\n +(?=[\w-]+:)(?!volume:)/g, ' ')
    .split('\n')
    .filter(line => line.includes(':'))
  return objects.map(line => {
    const name = /^\S+(?= role:)/.exec(line)?.[0]
    const words = line.split(/\s+/).filter(word => wanted(line).some(key => word.startsWith(`${key}:`)))
    return [...(name === undefined ? [] : [name]), ...words].join(' ')
  })
}

function wanted(line: string): string[] {
  if (line.includes('connection:')) return ['connection', 'role']
  if (line.includes('peer-disk:')) return ['volume', 'replication', 'peer-disk', 'out-of-sync']
  if (line.includes('minor:')) return ['volume', 'minor', 'disk', 'size']
  return ['role', 'suspended', 'write-ordering']
}

interface Status9 {
  readonly devices: readonly Record<string, unknown>[]
  readonly connections: readonly (Record<string, unknown> & {
    readonly peer_devices: readonly Record<string, unknown>[]
  })[]
}

t.test('9.x, as JSON', t => {
  for (const life of VERSIONS_9.flatMap(version => lives(version))) {
    if (life.end === undefined || life.status === undefined) continue
    const theirs = byName(life.status as readonly (Status9 & { readonly name: string })[])
    const ours = byName([...stateOf(2, life.end).resources.values()].map(status9))
    t.match(theirs, ours, life.name)
    t.equal(ours.length, theirs.length, `${life.name}: as many resources`)
    t.same(
      ours.map(each => each.connections.length),
      theirs.map(each => each.connections.length),
      `${life.name}: as many connections`,
    )
  }
  t.end()
})

/** The kernel's order is not that of names. */
function byName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function status9(resource: Resource) {
  const { name, role, suspended, failIo, writeOrdering } = resource
  return {
    name,
    role,
    'suspended-user': suspended.user,
    'suspended-no-data': suspended.noData,
    'suspended-fencing': suspended.fencing,
    'suspended-quorum': suspended.quorum,
    'force-io-failures': failIo,
    'write-ordering': writeOrdering,
    devices: sorted(resource.devices).map(device9),
    connections: sorted(resource.connections).map(connection9),
  }
}

function device9({ volume, minor, disk, client, isOpen, hasQuorum, sizeBytes, statistics }: Device) {
  return {
    volume,
    minor,
    'disk-state': disk,
    client,
    open: isOpen,
    quorum: hasQuorum,
    size: kib(sizeBytes),
    'al-writes': Number(statistics?.dev_al_writes),
    'upper-pending': statistics?.dev_upper_pending,
  }
}

function connection9({ peerNodeId, connName, state, peerRole, paths, peerDevices }: Connection) {
  return {
    'peer-node-id': peerNodeId,
    name: connName,
    'connection-state': state,
    'peer-role': peerRole,
    paths: [...(paths?.values() ?? [])].map(({ local, peer, established }) => ({
      this_host: host(local),
      remote_host: host(peer),
      established,
    })),
    peer_devices: sorted(peerDevices).map(peerDevice9),
  }
}

function host(address: string) {
  const [ip, port] = address.split(':')
  return { address: ip, port: Number(port) }
}

function peerDevice9({ volume, replication, peerDisk, peerClient, outOfSyncBytes, statistics }: PeerDevice) {
  return {
    volume,
    'replication-state': replication,
    'peer-disk-state': peerDisk,
    'peer-client': peerClient,
    'out-of-sync': kib(outOfSyncBytes),
    received: Number(statistics?.peer_dev_received) / 2,
  }
}
