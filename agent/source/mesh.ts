/** Datagrams of other agents → events; what is not one of ours is counted by its reason and dropped. */
import type { Clock, MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import { openUdp, type Udp } from '../host/udp.ts'
import type { NodeEvent } from '../state/events.ts'
import { decodeMessage, type Hmac } from '../wire/mesh-message.ts'
import type { MeshMessage } from '../wire/mesh-types.ts'

export interface MeshPort extends Disposable {
  readonly udp: Udp
  /** Refused datagrams by reason. */
  readonly refused: ReadonlyMap<string, number>
}

export async function openMesh(
  port: number,
  hmac: Hmac,
  clock: Clock,
  post: (event: NodeEvent) => void,
): Promise<MeshPort> {
  const refused = new Map<string, number>()
  const udp = await openUdp(port, clock, (bytes, from, at) => {
    const decoded = decodeMessage(bytes, hmac)
    if (decoded.ok) post(toEvent(decoded.message, from, at))
    else refused.set(decoded.reason, (refused.get(decoded.reason) ?? 0) + 1)
  })
  return { udp, refused, [Symbol.dispose]: () => udp[Symbol.dispose]() }
}

function toEvent(message: MeshMessage, via: string, at: MonoMs): NodeEvent {
  switch (message.kind) {
    case 'beat':
      return { kind: 'beat-heard', beat: message, via, at }
    case 'ack':
      return { kind: 'ack-heard', ack: message, at }
    case 'outdate':
      return { kind: 'outdate-asked', request: message, via }
    case 'outdated':
      return { kind: 'outdate-reply-heard', reply: message }
    default:
      return unreachable(message)
  }
}
