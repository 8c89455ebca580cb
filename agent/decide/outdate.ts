/** Whether our copy may be outdated because another agent asks for it on behalf of its kernel. */
import { unreachable } from '#kit/errors.ts'
import type { Resource } from '../state/drbd-model.ts'
import type { OutdateAsked } from '../state/fence.ts'
import type { NodeState } from '../state/node-state.ts'
import type { OutdateResult } from '../wire/mesh-types.ts'
import type { Effect } from './effects.ts'
import { peerNode } from './peer-node.ts'

export type OutdateVerdict =
  | { readonly kind: 'outdate'; readonly resource: Resource }
  | { readonly kind: 'reply'; readonly result: Exclude<OutdateResult, 'outdated'>; readonly because: string }

export function decideOutdate({ drbd, mesh }: NodeState, { request }: OutdateAsked): OutdateVerdict {
  const peer = mesh.peers.get(request.from)
  if (peer?.life?.bootId !== request.bootId) return failed('this boot of the asker is not known here')
  if (peer.condemned.has(request.bootId)) return failed('the boot of the asker is over')
  if (drbd.phase === 'no module') return absent()
  if (drbd.phase !== 'live') return failed('the state of DRBD is being read')
  const resource = [...drbd.resources.values()].find(({ name }) => name === request.resource)
  if (resource === undefined) return absent()
  if (resource.role !== 'Secondary')
    return { kind: 'reply', result: 'primary', because: `the resource is ${resource.role} here` }
  const connection = [...resource.connections.values()].find(
    each => peerNode(mesh.members, each) === request.from,
  )
  if (connection === undefined) return failed('the asker is not the other side of this resource')
  if (connection.state === 'Connected') return failed('the connection is up')
  // We were Primary without the asker: its copy is the old one.
  const ahead = [...connection.peerDevices.values()].some(({ peerDisk }) => peerDisk === 'Outdated')
  if (ahead) return failed('the copy of the asker is the outdated one')
  return { kind: 'outdate', resource }
}

export function toOutdateEffect(state: NodeState, asked: OutdateAsked, verdict: OutdateVerdict): Effect {
  const { request, via } = asked
  switch (verdict.kind) {
    case 'outdate':
      return { kind: 'outdate-own', via, resource: verdict.resource.name, request }
    case 'reply':
      return {
        kind: 'send-outdate-reply',
        via,
        reply: {
          kind: 'outdated',
          from: state.mesh.self,
          bootId: state.mesh.life.bootId,
          id: request.id,
          resource: request.resource,
          result: verdict.result,
          detail: verdict.because,
        },
      }
    default:
      return unreachable(verdict)
  }
}

function failed(because: string): OutdateVerdict {
  return { kind: 'reply', result: 'failed', because }
}

function absent(): OutdateVerdict {
  return { kind: 'reply', result: 'absent', because: 'this boot has no such resource' }
}
