import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import { openConnections } from '../../../agent/kube/connection.ts'

const { signal: never } = new AbortController()
const get = { method: 'GET', path: '/', headers: {}, body: undefined, signal: never }

async function textOf(answer: IncomingMessage): Promise<string> {
  const text = (await answer.setEncoding('utf8').toArray()).join('')
  // The socket goes back to its pool a turn later.
  await new Promise(resolve => setImmediate(resolve))
  return text
}

async function served() {
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    sockets.add(request.socket)
    response.end('ok')
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    sockets,
    [Symbol.dispose]: (): void => {
      server.closeAllConnections()
      server.close()
    },
  }
}

t.test('a connection is kept; one that the server closed meanwhile costs no error', async t => {
  using server = await served()
  using connections = openConnections(server.url, undefined)
  for (let n = 0; n < 3; n++) t.equal(await textOf(await connections.exchange(get)), 'ok')
  t.equal(server.sockets.size, 1)
  const [kept] = server.sockets
  // A reset, not an orderly end: the client learns of it only when it writes.
  kept?.resetAndDestroy()
  const answer = await connections.exchange(get)
  t.equal(answer.statusCode, 200)
  t.equal(await textOf(answer), 'ok')
  t.equal(server.sockets.size, 2)
})

t.test('an abort ends the exchange with its reason', async t => {
  using connections = openConnections(new URL('http://127.0.0.1:9'), undefined)
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await t.rejects(connections.exchange({ ...get, signal: stop.signal }))
  await t.rejects(connections.exchange(get), { code: 'ECONNREFUSED' })
})
