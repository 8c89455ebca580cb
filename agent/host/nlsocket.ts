/** Netlink for the agent: a listener on Node's event loop, and exchanges (request, answer) on sockets of their own. */
import { read, write } from 'node:fs'
import { Socket } from 'node:net'
import type { Clock, MonoMs } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import {
  type NetlinkFd,
  type NetlinkOptions,
  openCarrier,
  openNetlink,
  type ReceiveBuffer,
} from '../../native/netlink.ts'

const DATAGRAM_BYTES = 65_536
const READ_SLICE_MS = 250

export type OpenNetlink = (options: NetlinkOptions) => NetlinkFd

export interface Listener extends Disposable {
  readonly receiveBuffer: ReceiveBuffer
  join(group: number): void
}

export interface Heard {
  /** The bytes are valid only during the call. */
  datagram(bytes: Uint8Array, at: MonoMs): void
  /** The kernel dropped messages: what still comes is older than the hole. */
  overrun(at: MonoMs): void
  broken(error: unknown): void
}

/**
 * Listens on Node's own event loop: no thread is occupied, nothing polls, one read for each datagram.
 *
 * Node watches only kinds of descriptors that it knows, and netlink is none of them. So Node is given a pipe, and before
 * the loop first looks at it, its number is made to mean the netlink socket. From there on it is watched and read like any
 * other descriptor (libuv reads both the same way); a datagram is one chunk.
 */
export function openListener(
  clock: Clock,
  receiveBytes: number,
  heard: Heard,
  open: OpenNetlink = openNetlink,
): Listener {
  const netlink = open({ receiveBytes, nonBlocking: true })
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  let reader: Socket | undefined
  const end = (): void => {
    reader?.destroy()
    reader = undefined
    netlink.close()
  }
  const watch = (): void => {
    const callback = (length: number): boolean => {
      heard.datagram(buffer.subarray(0, length), clock.mono())
      return true
    }
    const carrier = openCarrier()
    const next = new Socket({ fd: carrier, readable: true, writable: false, onread: { buffer, callback } })
    reader = next
    netlink.mountOn(carrier)
    next.on('error', (error: NodeJS.ErrnoException) => {
      if (reader !== next) return
      if (error.code !== 'ENOBUFS') {
        heard.broken(failed('a netlink socket could not be read', error))
        return
      }
      // Node has closed its descriptor; the socket itself is ours and goes on under another.
      try {
        watch()
      } catch (cause) {
        heard.broken(cause)
        return
      }
      heard.overrun(clock.mono())
    })
  }
  try {
    watch()
  } catch (error) {
    end()
    throw error
  }
  return {
    receiveBuffer: netlink.receiveBuffer,
    join: group => netlink.join(group),
    [Symbol.dispose]: end,
  }
}

export interface ExchangeOptions {
  /** For each datagram of the answer: a long dump may take longer, silence not. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
  /** Another kernel than the one below, for tests. */
  readonly open?: OpenNetlink | undefined
  /** Called once when the kernel has let the thread go, which may be long after the deadline. */
  readonly onReturn?: () => void
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
  const socket = openFor(options)
  const state = { over: false }
  const heard = (datagram: Uint8Array): 'more' | 'complete' => {
    timer.refresh()
    return each(datagram)
  }
  const work = converse(socket, request, heard, state).finally(() => {
    socket.close()
    options.onReturn?.()
  })
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

function openFor(options: ExchangeOptions): NetlinkFd {
  try {
    options.signal.throwIfAborted()
    return (options.open ?? openNetlink)({ readSliceMs: READ_SLICE_MS })
  } catch (error) {
    options.onReturn?.()
    throw error
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
