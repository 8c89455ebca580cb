/** Netlink for the agent: a listener woken by the kernel itself, and exchanges (request, answer) on sockets of their own. */
import { read, write } from 'node:fs'
import type { Clock, MonoMs } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { type NetlinkFd, openNetlink, type ReceiveBuffer } from '../../native/netlink.ts'

const DATAGRAM_BYTES = 65_536
/** So many datagrams at a time, then the loop turns: a burst must not hold up beats and watchdog. */
const DRAIN_LIMIT = 128
/** Should a signal ever be lost, this finds what waits. */
const LOOK_MS = 1_000
const READ_SLICE_MS = 250

export interface Listener extends Disposable {
  readonly receiveBuffer: ReceiveBuffer
  join(group: number): void
  /** Drops the membership where there is one, and joins again: an old one may be dead after a module was loaded anew. */
  rejoin(group: number): void
}

export interface Heard {
  /** The bytes are valid only during the call. */
  datagram(bytes: Uint8Array, at: MonoMs): void
  /** The kernel dropped messages: what still comes is older than the hole. */
  overrun(at: MonoMs): void
  broken(error: unknown): void
}

/**
 * Listens without a thread: the kernel sends SIGURG when a datagram comes, libuv turns it into an event, and everything that
 * waits is read at once. No thread of the pool is occupied and nothing polls.
 */
export function openListener(clock: Clock, receiveBytes: number, heard: Heard): Listener {
  const socket = openNetlink({ receiveBytes })
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  let closed = false
  let more: NodeJS.Immediate | undefined

  const drain = (): void => {
    more = undefined
    for (let count = 0; count < DRAIN_LIMIT; count++) {
      if (closed) return
      const length = socket.receive(buffer)
      if (length === 'empty') return
      if (length === 'overrun') heard.overrun(clock.mono())
      else heard.datagram(buffer.subarray(0, length), clock.mono())
    }
    more ??= setImmediate(wake)
  }
  const wake = (): void => {
    if (closed) return
    try {
      drain()
    } catch (error) {
      heard.broken(error)
    }
  }
  const look = setInterval(wake, LOOK_MS)
  process.on('SIGURG', wake)
  const end = (): void => {
    closed = true
    clearInterval(look)
    clearImmediate(more)
    process.off('SIGURG', wake)
    socket.close()
  }
  try {
    socket.signalReadable()
  } catch (error) {
    end()
    throw error
  }
  return {
    receiveBuffer: socket.receiveBuffer,
    join: group => socket.join(group),
    rejoin(group) {
      try {
        socket.leave(group)
      } catch {
        // Not a member (any more): what matters is the join.
      }
      socket.join(group)
    },
    [Symbol.dispose]: end,
  }
}

export interface ExchangeOptions {
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

/**
 * Sends one request and hands over the datagrams of the answer until `each` says that it is complete.
 *
 * A netlink request is carried out inside the call that sends it, which may take as long as the kernel likes; so the
 * thread pool sends and reads. After the deadline the caller goes on, and the thread comes back when the kernel lets it.
 */
export async function exchange(
  request: Uint8Array,
  each: (datagram: Uint8Array) => 'more' | 'complete',
  options: ExchangeOptions,
): Promise<void> {
  options.signal.throwIfAborted()
  const socket = openNetlink({ readSliceMs: READ_SLICE_MS })
  const state = { over: false }
  const work = converse(socket, request, each, state).finally(() => socket.close())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = (): void =>
    reject(
      new AppError('DEADLINE_PASSED', 'the kernel did not answer a netlink request', {
        deadlineMs: options.deadlineMs,
      }),
    )
  const abort = (): void => reject(options.signal.reason)
  const timer = setTimeout(late, options.deadlineMs)
  options.signal.addEventListener('abort', abort)
  work.then(resolve, reject)
  try {
    await promise
  } finally {
    state.over = true
    clearTimeout(timer)
    options.signal.removeEventListener('abort', abort)
  }
}

async function converse(
  socket: NetlinkFd,
  request: Uint8Array,
  each: (datagram: Uint8Array) => 'more' | 'complete',
  state: { over: boolean },
): Promise<void> {
  await writeFd(socket.fd, request)
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  while (!state.over) {
    const length = await readFd(socket.fd, buffer)
    if (length === undefined || state.over) continue
    if (each(buffer.subarray(0, length)) === 'complete') return
  }
}

function writeFd(fd: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, error => {
      if (error === null) resolve()
      else reject(failed('a netlink request could not be sent', error))
    })
  })
}

/** Undefined: nothing came within the slice. */
function readFd(fd: number, into: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, null, (error, length) => {
      if (error === null) resolve(length)
      else if (error.code === 'EAGAIN' || error.code === 'EINTR') resolve(undefined)
      else reject(failed('the answer to a netlink request could not be read', error))
    })
  })
}

function failed(message: string, cause: NodeJS.ErrnoException): AppError {
  return new AppError('NETLINK_FAILED', message, { errno: cause.code ?? 'unknown' }, cause)
}
