/** One UDP socket for the beats between agents: sends at once, hands over each datagram with its time of arrival. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Clock, MonoMs } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'

export interface Udp extends Disposable {
  /** Never throws and never waits: a datagram that cannot leave is a lost one. Counts them. */
  send(bytes: Uint8Array, address: string): void
  readonly failures: () => number
}

export async function openUdp(
  port: number,
  clock: Clock,
  receive: (bytes: Uint8Array, from: string, at: MonoMs) => void,
): Promise<Udp> {
  const { socket, dual } = await bindSocket(port)
  let failures = 0
  let closed = false
  socket.on('message', (bytes, from) => receive(bytes, from.address.replace(/^::ffff:/, ''), clock.mono()))
  socket.on('error', () => {
    failures += 1
  })
  return {
    send(bytes, address) {
      if (closed) return
      socket.send(bytes, port, dual && !isIPv6(address) ? `::ffff:${address}` : address, error => {
        if (error !== null) failures += 1
      })
    },
    failures: () => failures,
    [Symbol.dispose]() {
      if (closed) return
      closed = true
      socket.close()
    },
  }
}

/** Both address families on one socket; a kernel without IPv6 gets one for IPv4 alone. */
async function bindSocket(port: number): Promise<{ readonly socket: Socket; readonly dual: boolean }> {
  try {
    return { socket: await listen('udp6', port), dual: true }
  } catch (cause) {
    if (!isNoSuchFamily(cause)) throw busy(port, cause)
  }
  try {
    return { socket: await listen('udp4', port), dual: false }
  } catch (cause) {
    throw busy(port, cause)
  }
}

async function listen(type: 'udp4' | 'udp6', port: number): Promise<Socket> {
  // Addresses are literals: a lookup would go through the thread pool.
  const socket = createSocket({
    type,
    lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
  })
  try {
    // Our lookup answers at once, so that `listening` may come before bind returns.
    const listening = once(socket, 'listening')
    socket.bind(port)
    await listening
    return socket
  } catch (cause) {
    socket.close()
    throw cause
  }
}

function isNoSuchFamily(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EAFNOSUPPORT' || error.code === 'EINVAL' || error.code === 'EADDRNOTAVAIL')
  )
}

function busy(port: number, cause: unknown): AppError {
  return new AppError('PORT_BUSY', 'the UDP port of the beats cannot be opened', { port }, cause)
}
