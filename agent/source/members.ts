/** Learns who votes: from a file, from the ConfigMap, or, while the API server is away, from the copy of last time. */
import { createHash } from 'node:crypto'
import { backoffMs } from '#kit/backoff.ts'
import type { NodeName } from '#kit/brand.ts'
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import type { MembersText } from '#protocol/members.ts'
import type { StateFile } from '../host/state-file.ts'
import { parseMembers, readMembersFile, readMembersObject } from '../kube/members.ts'
import type { Kube } from '../kube/request.ts'
import type { MeshEvent } from '../state/mesh.ts'
import type { LeasePolicy, Members } from '../state/mesh-model.ts'

export interface MembersPorts {
  readonly file: string | undefined
  readonly kube: Kube | undefined
  readonly copy: StateFile
  readonly lease: LeasePolicy
  readonly clock: Clock
  readonly log: Log
  readonly post: (event: MeshEvent) => void
}

/** Ends when they are known, or with the signal. A list that is refused is said once and asked for again. */
export async function learnMembers(ports: MembersPorts, signal: AbortSignal): Promise<void> {
  let said = ''
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const text = await read(ports, signal)
      ports.copy.write(JSON.stringify(text))
      ports.post({ kind: 'members-set', members: toMembers(text, ports.lease) })
      return
    } catch (error) {
      if (signal.aborted) return
      const away =
        error instanceof AppError && (error.code === 'API_UNREACHABLE' || error.code === 'DEADLINE_PASSED')
      const kept = away ? ports.copy.read() : undefined
      if (kept !== undefined) {
        ports.log.info('the API server is away: the members of last time are used')
        ports.post({
          kind: 'members-set',
          members: toMembers(parseMembers(kept, 'the copy of last time'), ports.lease),
        })
        return
      }
      const why = String(error)
      if (why !== said) ports.log.warn({ err: error }, 'the members are not known yet')
      said = why
    }
    await ports.clock.sleep(backoffMs(attempt, 250, 5000), signal).catch(() => undefined)
  }
}

async function read(ports: MembersPorts, signal: AbortSignal): Promise<MembersText> {
  if (ports.file !== undefined) return readMembersFile(ports.file)
  if (ports.kube === undefined)
    throw new AppError('MEMBERS_UNKNOWN', 'there is neither --members nor an API server')
  return await readMembersObject(ports.kube, signal)
}

/** The hash covers who votes, under which addresses, and by which figures: agents of different opinion must not count each other. */
export function toMembers({ members }: MembersText, lease: LeasePolicy): Members {
  const list = members
    .map(({ node, addresses }) => ({ node: node as NodeName, addresses }))
    .sort((left, right) => (left.node < right.node ? -1 : 1))
  const { leaseMs, watchdogMs, marginMs } = lease
  const text = JSON.stringify([
    list.map(({ node, addresses }) => [node, addresses]),
    leaseMs,
    watchdogMs,
    marginMs,
  ])
  return { list, hash: createHash('sha256').update(text).digest('hex').slice(0, 32) }
}
