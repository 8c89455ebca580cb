/** Asks DRBD to do something, by netlink; refusals are outcomes, and a kernel that does not answer costs only a deadline. */
import type { Clock, MonoMs } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { type ExchangeOptions, exchange, type OpenNetlink } from '../host/nlsocket.ts'
import { type DiskWord, deviceInfo } from '../wire/drbd-info.ts'
import { type DrbdMessage, readDrbdMessage } from '../wire/drbd-message.ts'
import {
  commandRequest,
  type DrbdCommand,
  type DrbdOutcome,
  dumpRequest,
  type FamilyRef,
  readOutcome,
  type VolumeRef,
} from '../wire/drbd-request.ts'
import { familyRequest, readFamilyNotice } from '../wire/genl.ts'
import { ENOENT, isRefusedWith, openReply } from '../wire/reply.ts'

const EPERM = 1

export interface CommandOptions {
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

export interface DrbdCommands {
  /** Rejects with DRBD_ABSENT, RIGHTS_MISSING, DEADLINE_PASSED or NETLINK_FAILED; what DRBD itself refuses is an outcome. */
  run(command: DrbdCommand, options: CommandOptions): Promise<DrbdOutcome>
}

export interface CommandsOptions {
  readonly atOnce?: number
  /** Another kernel than the one below, for tests. */
  readonly open?: OpenNetlink
}

/**
 * A request occupies a thread of the pool for as long as the kernel works on it, deadline or not. So only `atOnce` (2) are
 * under way; more are turned away with DEADLINE_PASSED when their turn has not come in time.
 */
export function openDrbdCommands(clock: Clock, { atOnce = 2, open }: CommandsOptions = {}): DrbdCommands {
  const lane = openLane(clock, atOnce)
  return {
    async run(command, { deadlineMs, signal }) {
      const until = clock.mono() + deadlineMs
      const left = (): ExchangeOptions => ({ deadlineMs: Math.max(1, until - clock.mono()), signal, open })
      await lane.enter(until, signal)
      const family = await findFamily(left()).catch((error: unknown) => {
        lane.leave()
        throw error
      })
      const outcome = await carryOut(family, command, { ...left(), onReturn: lane.leave })
      if (command.kind !== 'outdate' || outcome.kind !== 'already') return outcome
      const disk = await readDisk(family, command.of, left())
      return isOutdated(disk) ? outcome : notOutdated(outcome, disk)
    },
  }
}

interface Lane {
  enter(until: MonoMs, signal: AbortSignal): Promise<void>
  leave(): void
}

function openLane(clock: Clock, atOnce: number): Lane {
  let free = atOnce
  const waiting: (() => void)[] = []
  return {
    async enter(until, signal) {
      while (free === 0) {
        const leftMs = until - clock.mono()
        if (leftMs <= 0)
          throw new AppError('DEADLINE_PASSED', 'earlier requests to DRBD are still under way', { atOnce })
        const turn = Promise.withResolvers<void>()
        waiting.push(turn.resolve)
        const over = new AbortController()
        const late = clock.sleep(leftMs, AbortSignal.any([signal, over.signal])).catch(() => undefined)
        await Promise.race([turn.promise, late])
        over.abort()
        signal.throwIfAborted()
      }
      free -= 1
    },
    leave() {
      free += 1
      // All of them: some have given up, and those that find no place wait again.
      for (const wake of waiting.splice(0)) wake()
    },
  }
}

async function carryOut(
  family: FamilyRef,
  command: DrbdCommand,
  options: ExchangeOptions,
): Promise<DrbdOutcome> {
  let reply: DrbdMessage | undefined
  const answer = openReply('one', 1, message => {
    if (message.type === family.id) reply = readDrbdMessage(message)
  })
  try {
    await exchange(commandRequest(family, command, 1), datagram => answer.take(datagram), options)
  } catch (error) {
    if (isRefusedWith(error, EPERM))
      throw new AppError('RIGHTS_MISSING', 'DRBD takes requests only with CAP_NET_ADMIN', {}, error)
    if (isRefusedWith(error, ENOENT)) throw absent(error)
    throw error
  }
  if (reply === undefined)
    throw new AppError('NETLINK_FAILED', 'DRBD gave no result', { command: command.kind })
  return readOutcome(reply)
}

/** The disk state in a fresh dump; undefined without such a volume. */
async function readDisk(
  family: FamilyRef,
  of: VolumeRef,
  options: ExchangeOptions,
): Promise<DiskWord | undefined> {
  let disk: DiskWord | undefined
  const answer = openReply('dump', 1, message => {
    if (message.type !== family.id) return
    const { blocks, minor } = readDrbdMessage(message)
    if (minor === of.minor) disk = deviceInfo(blocks, family.version, [])?.disk
  })
  const request = dumpRequest(family, 'GET_DEVICES', 1, of.resource)
  await exchange(request, datagram => answer.take(datagram), options)
  return disk
}

function isOutdated(disk: DiskWord | undefined): boolean {
  return disk === 'Outdated' || disk === 'Inconsistent'
}

/** 8.4 says "nothing to do" of a connected disk too, and leaves it UpToDate (seen in the lab): that is a refusal. */
function notOutdated({ code, name }: DrbdOutcome, disk: DiskWord | undefined): DrbdOutcome {
  return { kind: 'refused', code, name, transient: true, info: [`the disk is ${disk ?? 'not there'}`] }
}

async function findFamily(options: ExchangeOptions): Promise<FamilyRef> {
  let found: FamilyRef | undefined
  const reply = openReply('one', 1, message => {
    const notice = readFamilyNotice(message)
    if (notice?.kind === 'reply')
      found = { id: notice.family.id, version: notice.family.version === 1 ? 1 : 2 }
  })
  try {
    await exchange(familyRequest('drbd', 1), datagram => reply.take(datagram), options)
  } catch (error) {
    if (isRefusedWith(error, ENOENT)) throw absent(error)
    throw error
  }
  if (found === undefined) throw absent()
  return found
}

function absent(cause?: unknown): AppError {
  return new AppError('DRBD_ABSENT', 'DRBD is not in this kernel', {}, cause)
}
