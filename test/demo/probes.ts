/** Listens to the probes in the guests; passes their lines on with times corrected to this machine's clock. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { betterSkew, type Heard, type ProbeLine } from './probe-line.ts'

export interface ProbeSaid {
  readonly node: string
  readonly bootId: string
  readonly line: Heard
  /** How far the node's clock is ahead of ours: to be taken off every time that stands in the text. */
  readonly skewMs: number
}

export interface Probes extends AsyncDisposable {
  readonly port: number
}

/** The skew is known well only after a few lines; nothing that matters happens in the first moments of a guest. */
function listen(socket: Socket, onSaid: (said: ProbeSaid) => void): void {
  let node = ''
  let bootId = ''
  let skewMs: number | undefined
  createInterface({ input: socket }).on('line', text => {
    const line = JSON.parse(text) as ProbeLine
    skewMs = betterSkew(skewMs, line.at, Date.now())
    if (line.kind === 'hello') {
      node = line.node
      bootId = line.bootId
    }
    if (line.kind !== 'clock') onSaid({ node, bootId, line: { ...line, at: line.at - skewMs }, skewMs })
  })
  socket.on('error', () => {}) // a guest that loses its power resets nothing; the next probe says hello
}

/** `port` 0: any that is free. */
export async function openProbes(host: string, onSaid: (said: ProbeSaid) => void, port = 0): Promise<Probes> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    listen(socket, onSaid)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
