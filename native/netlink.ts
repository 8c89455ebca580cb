/** Generic-netlink sockets as file descriptors: opened, joined to groups, and put where Node can watch them. */
import { AppError } from '#kit/errors.ts'
import {
  bind,
  close,
  connect,
  dup3,
  errno,
  errnoText,
  getsockname,
  getsockopt,
  pipe2,
  setsockopt,
  socket,
} from './libc.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const NETLINK_GENERIC = 16
const ADDRESS_BYTES = 12

const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVTIMEO = 20
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1

const O_CLOEXEC = 0o2000000

export interface ReceiveBuffer {
  /** What the kernel granted, in its own accounting (twice what was asked for). */
  readonly bytes: number
  /** False: without CAP_NET_ADMIN `net.core.rmem_max` was the limit. */
  readonly forced: boolean
}

export interface NetlinkFd {
  readonly fd: number
  readonly portId: number
  readonly receiveBuffer: ReceiveBuffer
  join(group: number): void
  /** A second descriptor of the socket, under the number of what was `carrier`. */
  mountOn(carrier: number): void
  close(): void
}

export interface NetlinkOptions {
  readonly receiveBytes?: number
  /** Reads never wait. */
  readonly nonBlocking?: boolean
  /** A blocking read by the thread pool comes back after this long. */
  readonly readSliceMs?: number
}

function check(result: number, call: string): number {
  if (result >= 0) return result
  throw new AppError('NETLINK_FAILED', 'a netlink socket could not be prepared', {
    call,
    errno: errnoText(errno()),
  })
}

/** The reading end of a pipe that leads nowhere. */
export function openCarrier(): number {
  const ends = new Int32Array(2)
  check(pipe2(new Uint8Array(ends.buffer), O_CLOEXEC), 'pipe2')
  const [reading = -1, writing = -1] = ends
  close(writing)
  return reading
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

function kernelAddress(): Uint8Array {
  const address = new Uint8Array(ADDRESS_BYTES)
  new DataView(address.buffer).setUint16(0, AF_NETLINK, true)
  return address
}

function sizeBuffer(fd: number, bytes: number): ReceiveBuffer {
  const forced = setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, u32(bytes), 4) === 0
  if (!forced) check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, u32(bytes), 4), 'setsockopt SO_RCVBUF')
  return { bytes: readBufferSize(fd), forced }
}

function readBufferSize(fd: number): number {
  const value = new Uint8Array(4)
  check(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, u32(4)), 'getsockopt SO_RCVBUF')
  return new DataView(value.buffer).getUint32(0, true)
}

/** A socket connected to the kernel: what other processes send to it is refused by the kernel. */
export function openNetlink(options: NetlinkOptions): NetlinkFd {
  const fd = check(
    socket(
      AF_NETLINK,
      SOCK_RAW | SOCK_CLOEXEC | (options.nonBlocking === true ? SOCK_NONBLOCK : 0),
      NETLINK_GENERIC,
    ),
    'socket',
  )
  try {
    const address = kernelAddress()
    check(bind(fd, address, ADDRESS_BYTES), 'bind')
    check(getsockname(fd, address, u32(ADDRESS_BYTES)), 'getsockname')
    check(connect(fd, kernelAddress(), ADDRESS_BYTES), 'connect')
    if (options.readSliceMs !== undefined) {
      const time = BigInt64Array.of(
        BigInt(Math.floor(options.readSliceMs / 1000)),
        BigInt((options.readSliceMs % 1000) * 1000),
      )
      check(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(time.buffer), 16),
        'setsockopt SO_RCVTIMEO',
      )
    }
    const receiveBuffer =
      options.receiveBytes === undefined
        ? { bytes: readBufferSize(fd), forced: false }
        : sizeBuffer(fd, options.receiveBytes)
    return netlinkFd(fd, new DataView(address.buffer).getUint32(4, true), receiveBuffer)
  } catch (error) {
    close(fd)
    throw error
  }
}

function netlinkFd(fd: number, portId: number, receiveBuffer: ReceiveBuffer): NetlinkFd {
  let closed = false
  return {
    fd,
    portId,
    receiveBuffer,
    join(group) {
      // The number may already mean another file.
      if (closed) throw new AppError('NETLINK_FAILED', 'the netlink socket is closed')
      check(
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, u32(group), 4),
        'setsockopt NETLINK_ADD_MEMBERSHIP',
      )
    },
    mountOn(carrier) {
      check(dup3(fd, carrier, O_CLOEXEC), 'dup3')
    },
    close() {
      if (closed) return
      closed = true
      close(fd)
    },
  }
}
