/** What must survive a restart: lives and verdicts about peers, and the promise of the own watchdog; durable before it counts. */
import { z } from 'zod'
import type { BootId, NodeName } from '#kit/brand.ts'
import { AppError } from '#kit/errors.ts'
import type { StateFile } from '../host/state-file.ts'
import type { SavedPeer } from '../state/mesh.ts'
import type { Condemnation, PeerLife } from '../state/mesh-model.ts'
import type { WatchdogPromise } from '../state/watchdog.ts'

export interface Memory {
  readonly peers: readonly SavedPeer[]
  readonly promise: WatchdogPromise | undefined
  saveLife(node: NodeName, life: PeerLife): void
  condemn(node: NodeName, bootId: BootId, by: Condemnation['by']): void
  savePromise(promise: WatchdogPromise | undefined): void
}

/** Old verdicts of a node that keeps dying: the newest ones are enough, a boot id never comes again. */
const CONDEMNED_KEPT = 32

const Life = z.object({
  bootId: z.string().length(36),
  incarnation: z.number().int().min(0),
  seq: z.number().int().min(-1),
  armed: z.boolean(),
  resetMs: z.number().min(0),
  membersHash: z.string(),
})

const Saved = z.object({
  version: z.literal(1),
  peers: z.array(
    z.object({
      node: z.string(),
      life: Life.optional(),
      condemned: z.array(
        z.object({ bootId: z.string().length(36), by: z.enum(['lease', 'new-boot', 'told']) }),
      ),
    }),
  ),
  promise: z.object({ bootId: z.string().length(36), membersHash: z.string() }).optional(),
})

/** Throws AppError CONFIG_INVALID when the file is not ours: a verdict that cannot be read must not be forgotten silently. */
export function openMemory(file: StateFile): Memory {
  const first = read(file)
  const peers = new Map(first.peers.map(peer => [peer.node as NodeName, peer]))
  let promise = first.promise

  const write = (): void => file.write(JSON.stringify({ version: 1, peers: [...peers.values()], promise }))
  const peerOf = (node: NodeName): Writable => peers.get(node) ?? { node, condemned: [] }

  return {
    peers: first.peers.map(({ node, life, condemned }) => ({
      node: node as NodeName,
      life: life === undefined ? undefined : { ...life, bootId: life.bootId as BootId },
      condemned: condemned.map(({ bootId, by }) => ({ bootId: bootId as BootId, by })),
    })),
    promise: promise === undefined ? undefined : { ...promise, bootId: promise.bootId as BootId },
    saveLife(node, life) {
      peers.set(node, { ...peerOf(node), life })
      write()
    },
    condemn(node, bootId, by) {
      const peer = peerOf(node)
      const others = peer.condemned.filter(entry => entry.bootId !== bootId)
      peers.set(node, { ...peer, condemned: [...others, { bootId, by }].slice(-CONDEMNED_KEPT) })
      write()
    },
    savePromise(next) {
      promise = next
      write()
    },
  }
}

type Writable = z.infer<typeof Saved>['peers'][number]

function read(file: StateFile): z.infer<typeof Saved> {
  const text = file.read()
  if (text === undefined) return { version: 1, peers: [] }
  try {
    return Saved.parse(JSON.parse(text))
  } catch (cause) {
    throw new AppError(
      'CONFIG_INVALID',
      'the memory of this agent cannot be read; remove it only when this node holds no volume',
      {},
      cause,
    )
  }
}
