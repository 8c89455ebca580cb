/** One resource and what a notification makes of it: devices, connections, peer devices, paths. */
import type { ResourceName } from '#kit/brand.ts'
import { unreachable } from '#kit/errors.ts'
import type { FamilyVersion } from '../wire/drbd-codes.ts'
import type { ConnectionNotice, DeviceNotice, PathNotice, PeerDeviceNotice } from '../wire/drbd-notice.ts'
import type { PeerDeviceStatistics } from '../wire/drbd-tables.ts'
import type { Connection, Device, Path, PeerDevice, Resource } from './drbd-model.ts'

const SECTOR = 512

export function newResource(name: ResourceName): Resource {
  return {
    name,
    role: 'Unknown',
    suspended: { user: false, noData: false, fencing: false, quorum: false },
    failIo: false,
    devices: new Map(),
    connections: new Map(),
  }
}

/**
 * The resource after the notification; undefined: it is about something under a connection that is not known.
 *
 * DRBD 8.4 says "destroy" when a resource is disconnected, but goes on to list its one connection, as StandAlone, in every
 * dump, with what was last known of the peer's disks. The state follows the dump.
 */
export function applyToResource(
  resource: Resource,
  notice: DeviceNotice | ConnectionNotice | PeerDeviceNotice | PathNotice,
  version: FamilyVersion,
): Resource | undefined {
  switch (notice.object) {
    case 'device':
      if (notice.info === undefined) return withoutDevice(resource, notice.volume)
      return {
        ...resource,
        devices: put(resource.devices, notice.volume, deviceOf(resource.devices.get(notice.volume), notice)),
      }
    case 'connection': {
      const { peerNodeId } = notice
      const known = resource.connections.get(peerNodeId)
      const connection =
        version === 1 && notice.info === undefined ? standAlone(known) : connectionOf(known, notice)
      return { ...resource, connections: put(resource.connections, peerNodeId, connection) }
    }
    case 'peer-device':
    case 'path': {
      const connection = resource.connections.get(notice.peerNodeId)
      if (connection === undefined) return notice.how === 'destroy' ? resource : undefined
      if (version === 1 && notice.how === 'destroy') return resource
      const next =
        notice.object === 'path' ? withPath(connection, notice) : withPeerDevice(connection, notice)
      return { ...resource, connections: put(resource.connections, notice.peerNodeId, next) }
    }
    default:
      return unreachable(notice)
  }
}

function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V | undefined): ReadonlyMap<K, V> {
  const next = new Map(map)
  if (value === undefined) next.delete(key)
  else next.set(key, value)
  return next
}

function withoutDevice(resource: Resource, volume: number): Resource {
  return {
    ...resource,
    devices: put(resource.devices, volume, undefined),
    connections: new Map(
      [...resource.connections].map(([id, connection]) => [
        id,
        { ...connection, peerDevices: put(connection.peerDevices, volume, undefined) },
      ]),
    ),
  }
}

function standAlone(known: Connection | undefined): Connection | undefined {
  return known === undefined ? undefined : { ...known, state: 'StandAlone', peerRole: 'Unknown' }
}

function deviceOf(known: Device | undefined, { volume, minor, info }: DeviceNotice): Device | undefined {
  if (info === undefined) return undefined
  const { disk, client, hasQuorum, isOpen, backingDev, statistics } = info
  const size = statistics?.dev_size
  return {
    volume,
    minor,
    disk,
    client,
    hasQuorum,
    isOpen,
    fencing: known?.fencing ?? 'unknown',
    sizeBytes: size === undefined ? undefined : Number(size) * SECTOR,
    ...(backingDev === undefined ? {} : { backingDev }),
    ...(statistics === undefined ? {} : { statistics }),
  }
}

function connectionOf(known: Connection | undefined, notice: ConnectionNotice): Connection | undefined {
  const { info, peerNodeId, connName } = notice
  if (info === undefined) return undefined
  return {
    peerNodeId,
    connName,
    state: info.state,
    peerRole: info.peerRole,
    // 8.4 leaves them out of a connection that is StandAlone: the last ones told still name the peer.
    localAddress: notice.localAddress ?? known?.localAddress,
    peerAddress: notice.peerAddress ?? known?.peerAddress,
    fencing: known?.fencing ?? 'unknown',
    peerDevices: known?.peerDevices ?? new Map(),
    ...(known?.paths === undefined ? {} : { paths: known.paths }),
    ...(info.statistics === undefined ? {} : { statistics: info.statistics }),
  }
}

function outOfSync(statistics: PeerDeviceStatistics | undefined): number | undefined {
  const sectors = statistics?.peer_dev_out_of_sync
  return sectors === undefined ? undefined : Number(sectors) * SECTOR
}

function withPeerDevice(connection: Connection, { volume, info }: PeerDeviceNotice): Connection {
  if (info === undefined)
    return { ...connection, peerDevices: put(connection.peerDevices, volume, undefined) }
  const { replication, peerDisk, peerStable, peerClient, resyncSuspended, statistics } = info
  const peerDevice: PeerDevice = {
    volume,
    replication,
    peerDisk,
    outOfSyncBytes: outOfSync(statistics),
    peerStable,
    peerClient,
    resyncSuspended,
    ...(statistics === undefined ? {} : { statistics }),
  }
  return { ...connection, peerDevices: put(connection.peerDevices, volume, peerDevice) }
}

function withPath(connection: Connection, { how, local, peer, established }: PathNotice): Connection {
  const path: Path = { local, peer, established }
  const paths = put(
    connection.paths ?? new Map<string, Path>(),
    `${local} ${peer}`,
    how === 'destroy' ? undefined : path,
  )
  const known = [...paths.values()]
  const first = known.find(each => each.established) ?? known[0]
  return { ...connection, paths, localAddress: first?.local, peerAddress: first?.peer }
}
