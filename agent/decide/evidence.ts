/** Whether the copy here of a resource shared with a lost node is current: then nothing that was acknowledged is missing from it. */
import type { NodeName, ResourceName } from '#kit/brand.ts'
import type { Connection, DrbdState, Resource } from '../state/drbd-model.ts'
import type { Members } from '../state/mesh-model.ts'
import { peerNode } from './peer-node.ts'

export interface Evidence {
  readonly resource: ResourceName
  /** Undefined: the copy is current. Else the first condition that does not hold. */
  readonly missing: string | undefined
}

/** Of every resource that this node shares with `node`, in order of name. */
export function gatherEvidence(
  drbd: DrbdState,
  members: Members | undefined,
  node: NodeName,
): readonly Evidence[] {
  const found: Evidence[] = []
  for (const resource of drbd.resources.values()) {
    const connection = [...resource.connections.values()].find(each => peerNode(members, each) === node)
    if (connection === undefined) continue
    found.push({ resource: resource.name, missing: firstMissing(drbd, resource, connection) })
  }
  return found.sort((left, right) => (left.resource < right.resource ? -1 : 1))
}

function firstMissing(drbd: DrbdState, resource: Resource, connection: Connection): string | undefined {
  if (drbd.phase !== 'live') return 'the state of DRBD is being read again'
  if (drbd.familyVersion !== 1) return 'DRBD 9: not decided yet'
  const devices = [...resource.devices.values()]
  if (devices.length === 0) return 'it has no volume here'
  if (resource.failIo) return 'its I/O is answered with errors'
  // Without this policy a primary that lost us goes on alone, and our copy is old without knowing it.
  if (devices.some(device => device.fencing !== 'resource-and-stonith'))
    return 'its fencing policy is not resource-and-stonith'
  // After a reboot 8.4 says Consistent until it has met its peer: another copy may be newer.
  if (devices.some(device => device.disk !== 'UpToDate')) return 'the disk here is not UpToDate'
  if (connection.state === 'Connected') return 'the connection is still up'
  const elsewhere = [...resource.connections.values()].some(
    each => each.state === 'Connected' && each.peerRole === 'Primary',
  )
  return elsewhere ? 'another node is Primary' : undefined
}
