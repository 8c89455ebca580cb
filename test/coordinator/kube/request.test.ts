import t from 'tap'
import { isAbsent, isConflict, isGone } from '../../../coordinator/kube/request.ts'
import { collect } from '../../fakes/collect.ts'
import { openPlain } from './plain-server.ts'

const { signal } = new AbortController()
const GET = { method: 'GET', path: '/x', signal } as const

t.test('what an answer becomes', async t => {
  let status = 200
  await using server = await openPlain((_request, response) => {
    response
      .writeHead(status)
      .end(JSON.stringify({ kind: 'Status', reason: 'Because', message: 'words'.repeat(200) }))
  })
  const table: [number, string][] = [
    [400, 'API_REFUSED'],
    [401, 'API_REFUSED'],
    [403, 'API_REFUSED'],
    [404, 'API_REFUSED'],
    [409, 'API_CONFLICT'],
    [410, 'API_GONE'],
    [422, 'API_REFUSED'],
    [429, 'API_UNREACHABLE'],
    [500, 'API_REFUSED'],
    [503, 'API_UNREACHABLE'],
    [504, 'API_UNREACHABLE'],
  ]
  for (const [code, expected] of table) {
    status = code
    const error = await server.api.call(GET).then(
      () => undefined,
      thrown => thrown,
    )
    t.match(error, { code: expected, fields: { status: code, reason: 'Because', path: '/x' } }, String(code))
    t.ok(error.fields.answer.length <= 400, 'what the server says is cut')
    t.equal(isAbsent(error), code === 404)
    t.equal(isConflict(error), code === 409)
    t.equal(isGone(error), code === 410)
  }
  status = 404
  t.equal(await server.api.find(GET), undefined, 'find: not found is an answer')
  status = 200
  t.match(await server.api.find(GET), { kind: 'Status' })
})

t.test('a server that does not answer, answers too much, or answers no JSON', async t => {
  const ways: Record<string, Parameters<typeof openPlain>[0]> = {
    hangs: () => undefined,
    'stops in the middle': (_request, response) =>
      response.writeHead(200, { 'content-length': '100' }).write('{"a":'),
    resets: request => request.socket.destroy(),
  }
  for (const [name, way] of Object.entries(ways)) {
    await using server = await openPlain(way)
    const since = performance.now()
    await t.rejects(server.api.call({ ...GET, deadlineMs: 200 }), { code: 'API_UNREACHABLE' }, name)
    t.ok(performance.now() - since < 2_000, `${name}: within the deadline`)
  }
  await using large = await openPlain((_request, response) => response.end(`"${'a'.repeat(5_000)}"`))
  await t.rejects(large.api.call({ ...GET, maxBytes: 4_000 }), { code: 'ANSWER_TOO_LARGE' })
  await using page = await openPlain((_request, response) => response.end('<html>'))
  await t.rejects(page.api.call(GET), { code: 'WIRE_MALFORMED' })
  const { url } = page
  await page[Symbol.asyncDispose]()
  t.match(url, /^http/)
})

t.test("an own end is not the server's fault", async t => {
  await using server = await openPlain(() => undefined)
  const stop = new AbortController()
  const call = server.api.call({ ...GET, signal: stop.signal })
  stop.abort(new Error('we stop'))
  await t.rejects(call, { message: 'we stop' })
})

t.test('a stream has a deadline to its headers only', async t => {
  await using slow = await openPlain((_request, response) => {
    response.writeHead(200)
    response.write('a\n')
    setTimeout(() => response.end('b\n'), 300)
  })
  const body = await slow.api.stream({ ...GET, deadlineMs: 100 })
  t.equal(Buffer.concat(await collect(body)).toString(), 'a\nb\n')
  await using silent = await openPlain(() => undefined)
  await t.rejects(silent.api.stream({ ...GET, deadlineMs: 100 }), { code: 'API_UNREACHABLE' })
  await using refuses = await openPlain((_request, response) => response.writeHead(410).end('{}'))
  await t.rejects(refuses.api.stream(GET), { code: 'API_GONE' })
})
