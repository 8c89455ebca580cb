import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { AppError } from '#kit/errors.ts'
import { openStatusServer, type Routes } from '../../../agent/serve/status-server.ts'

const dir = mkdtempSync(join(tmpdir(), 'hawser-socket-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

const routes: Routes = {
  'GET /v1/status': () => ({ status: 200, body: { node: 'n1' } }),
  'POST /v1/fence-peer': body => ({ status: 200, body: { got: body } }),
  'GET /broken': () => {
    throw new Error('a secret detail')
  },
}

function ask(
  path: string,
  method: string,
  url: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: path, method, path: url, timeout: 3000 }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', part => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    call.on('error', reject)
    call.end(body)
  })
}

t.test('answers its routes; the socket is 0660 even under umask 0', async t => {
  const path = join(dir, 'run', 'a.sock')
  const before = process.umask(0)
  await using _server = await openStatusServer(path, routes)
  process.umask(before)
  t.equal(statSync(path).mode & 0o777, 0o660)
  t.same(await ask(path, 'GET', '/v1/status?x=1'), { status: 200, text: '{"node":"n1"}\n' })
  t.same(await ask(path, 'POST', '/v1/fence-peer', '{"resource":"r0"}'), {
    status: 200,
    text: '{"got":{"resource":"r0"}}\n',
  })
  t.match(await ask(path, 'GET', '/nothing'), { status: 404 })
  t.match(await ask(path, 'GET', '/__proto__'), { status: 404 })
  t.match(await ask(path, 'POST', '/v1/fence-peer', '{half'), { status: 400, text: /not JSON/ })
  t.match(await ask(path, 'POST', '/v1/fence-peer', `"${'x'.repeat(20_000)}"`), {
    status: 400,
    text: /larger than/,
  })
  const broken = await ask(path, 'GET', '/broken')
  t.equal(broken.status, 500)
  t.notMatch(broken.text, /secret/)
})

t.test('a stale socket is replaced; a live one, or a file, is refused by name', async t => {
  const path = join(dir, 'b.sock')
  const dead = createServer().listen(path)
  await new Promise(resolve => dead.once('listening', resolve))
  const kept = join(dir, 'kept.sock')
  // Closing removes the file; a killed process leaves it behind, as the link does.
  const { linkSync } = await import('node:fs')
  linkSync(path, kept)
  await new Promise(resolve => dead.close(resolve))
  {
    await using _server = await openStatusServer(kept, routes)
    t.match(await ask(kept, 'GET', '/v1/status'), { status: 200 })
    await t.rejects(
      openStatusServer(kept, routes),
      new AppError('SOCKET_BUSY', 'another agent answers on the status socket'),
    )
  }
  const file = join(dir, 'file')
  writeFileSync(file, 'mine')
  chmodSync(file, 0o600)
  await t.rejects(openStatusServer(file, routes), { code: 'SOCKET_BUSY', message: /not a socket/ })
  t.ok(existsSync(file))
})

t.test('the signal of a route ends with its client', async t => {
  const path = join(dir, 'c.sock')
  let ended: ((value: string) => void) | undefined
  const left = new Promise<string>(resolve => {
    ended = resolve
  })
  await using _server = await openStatusServer(path, {
    'GET /wait': (_body, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => ended?.('gone'))
      }),
  })
  const call = request({ socketPath: path, path: '/wait' })
  call.on('error', () => undefined)
  call.end()
  setTimeout(() => call.destroy(), 50)
  t.equal(await left, 'gone')
})
