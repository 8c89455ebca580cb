import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { openKube } from '../../../agent/kube/request.ts'

const dir = mkdtempSync(join(tmpdir(), 'hawser-kube-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
const never = new AbortController().signal

async function served(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    [Symbol.dispose]: (): void => {
      server.closeAllConnections()
      server.close()
    },
  }
}

t.test('sends method, patch type and token; every status is an answer', async t => {
  const seen: unknown[] = []
  using server = await served((request, response) => {
    let body = ''
    request.on('data', part => {
      body += part
    })
    request.on('end', () => {
      seen.push([
        request.method,
        request.url,
        request.headers['content-type'],
        request.headers.authorization,
        body,
      ])
      response.writeHead(409, { 'retry-after': '3' })
      response.end('{"reason":"Conflict"}')
    })
  })
  writeFileSync(join(dir, 'token'), 'abc\n')
  await using kube = openKube(
    { url: `${server.url}/prefix/`, caFile: undefined, tokenFile: join(dir, 'token') },
    systemClock,
  )
  t.equal(kube.lastAnswerAt(), undefined)
  const answer = await kube.call(
    {
      method: 'PATCH',
      path: '/api/v1/nodes/n1?x=y',
      body: [{ op: 'test' }],
      patch: 'application/json-patch+json',
    },
    never,
  )
  t.same(answer, { status: 409, body: { reason: 'Conflict' }, retryAfterMs: 3000 })
  t.same(seen, [
    ['PATCH', '/prefix/api/v1/nodes/n1?x=y', 'application/json-patch+json', 'Bearer abc', '[{"op":"test"}]'],
  ])
  t.type(kube.lastAnswerAt(), 'number')
})

t.test('silence, a closed door and too much are three different errors', async t => {
  using silent = await served(() => undefined)
  await using kube = openKube({ url: silent.url, caFile: undefined, tokenFile: undefined }, systemClock)
  await t.rejects(kube.call({ method: 'GET', path: '/x', timeoutMs: 100 }, never), {
    code: 'DEADLINE_PASSED',
  })

  await using closed = openKube(
    { url: 'http://127.0.0.1:9', caFile: undefined, tokenFile: undefined },
    systemClock,
  )
  await t.rejects(closed.call({ method: 'GET', path: '/x' }, never), { code: 'API_UNREACHABLE' })

  using large = await served((_request, response) => {
    response.end('x'.repeat(9 << 20))
  })
  await using much = openKube({ url: large.url, caFile: undefined, tokenFile: undefined }, systemClock)
  await t.rejects(much.call({ method: 'GET', path: '/x' }, never), { code: 'ANSWER_TOO_LARGE' })
})

t.test('a page instead of JSON leaves the body out', async t => {
  using server = await served((_request, response) => {
    response.writeHead(502)
    response.end('<html>')
  })
  await using kube = openKube({ url: server.url, caFile: undefined, tokenFile: undefined }, systemClock)
  t.same(await kube.call({ method: 'GET', path: '/' }, never), {
    status: 502,
    body: undefined,
    retryAfterMs: undefined,
  })
})
