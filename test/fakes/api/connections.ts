/** The connections of the server: cutting clients off, and being down. */
import type { Server, Socket } from 'node:net'

/** ::ffff:10.99.0.11 → 10.99.0.11 */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

export class Connections {
  readonly #open = new Set<Socket>()
  readonly #cut = new Set<string>()
  #isDown = false

  track(server: Server): void {
    server.on('connection', socket => {
      if (this.#isDown || this.#cut.has(plainAddress(socket.remoteAddress))) {
        socket.resetAndDestroy()
        return
      }
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  get isDown(): boolean {
    return this.#isDown
  }

  /** Every connection is reset, and new ones are, until up(). */
  down(): void {
    this.#isDown = true
    this.resetAll()
  }

  up(): void {
    this.#isDown = false
  }

  /** One client address is reset, now and whenever it comes again. */
  cut(address: string): void {
    this.#cut.add(address)
    for (const socket of this.#open)
      if (plainAddress(socket.remoteAddress) === address) socket.resetAndDestroy()
  }

  heal(address: string): void {
    this.#cut.delete(address)
  }

  resetAll(): void {
    for (const socket of this.#open) socket.resetAndDestroy()
  }
}
