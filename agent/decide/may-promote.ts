/** Whether this node could become Primary now, and how good a place it would be: the rule of drbd-utils. */
import type { Resource } from '../state/drbd-model.ts'

export interface Promotion {
  readonly may: boolean
  /** 10000 for own disks, 100 for each own UpToDate volume, 1 for each replica of the volume with the fewest. */
  readonly score: number
}

const NEVER: Promotion = { may: false, score: 0 }

/** DRBD 8.4 has no such rule of its own; there no peer's copy counts as stable. */
export function mayPromote(resource: Resource): Promotion {
  const devices = [...resource.devices.values()]
  if (devices.length === 0 || resource.failIo) return NEVER
  if (devices.some(device => !device.hasQuorum)) return NEVER
  const connections = [...resource.connections.values()]
  const volumes = devices.map(device => {
    const peers = connections.flatMap(connection => connection.peerDevices.get(device.volume) ?? [])
    const current = peers.filter(peer => peer.peerDisk === 'UpToDate')
    const own = device.disk === 'UpToDate'
    return {
      own,
      replicas: current.length + (own ? 1 : 0),
      reachable: own || current.some(peer => peer.peerStable === true),
    }
  })
  const fewest = Math.min(...volumes.map(volume => volume.replicas))
  if (fewest === 0) return NEVER
  const somebodyIsPrimary =
    resource.role === 'Primary' || connections.some(connection => connection.peerRole === 'Primary')
  const hasDisks = devices.every(
    ({ disk }) => disk === 'UpToDate' || disk === 'Consistent' || disk === 'Inconsistent',
  )
  const ownCurrent = volumes.filter(volume => volume.own).length
  return {
    may: !somebodyIsPrimary && volumes.every(volume => volume.reachable),
    score: (hasDisks ? 10_000 : 0) + 100 * Math.min(99, ownCurrent) + Math.min(99, fewest),
  }
}
