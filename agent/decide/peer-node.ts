/** Which member is on the other side of a DRBD connection. */
import type { NodeName } from '#kit/brand.ts'
import type { Connection } from '../state/drbd-model.ts'
import type { Members } from '../state/mesh-model.ts'

/** By address; by connection name, which LINSTOR makes the node's, where the kernel has not told the address. */
export function peerNode(members: Members | undefined, connection: Connection): NodeName | undefined {
  if (members === undefined) return undefined
  const host = connection.peerAddress === undefined ? undefined : hostOf(connection.peerAddress)
  if (host !== undefined) return members.list.find(member => member.addresses.includes(host))?.node
  // 8.4 has no names of its own for connections: nothing is guessed there.
  if (connection.peerNodeId < 0) return undefined
  return members.list.find(member => member.node === connection.connName)?.node
}

/** `10.98.0.12:7789` → `10.98.0.12`, `[fd00::1]:7789` → `fd00::1`. */
export function hostOf(address: string): string | undefined {
  return /^\[([0-9a-f:.]+)\]:\d+$/i.exec(address)?.[1] ?? /^([0-9.]+):\d+$/.exec(address)?.[1]
}
