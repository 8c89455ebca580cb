import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openApi } from '../../../coordinator/kube/request.ts'
import { openSession } from '../../../coordinator/kube/session.ts'
import { manualClock } from '../../fakes/manual-clock.ts'
import { openPlain } from './plain-server.ts'

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-session-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

t.test('a token is read again after a minute, and at once after a 401', async t => {
  let status = 200
  await using server = await openPlain((_request, response) => response.writeHead(status).end('{}'))
  const dir = await folder(t)
  const tokenFile = join(dir, 'token')
  await writeFile(tokenFile, 'first\n')
  const clock = manualClock()
  await using session = await openSession({ kind: 'plain', server: `${server.url}/`, tokenFile }, clock)
  const api = openApi(session, 'test/1')
  const call = async (): Promise<unknown> =>
    api.call({ method: 'GET', path: '/a', signal: new AbortController().signal }).catch(error => error)
  await call()
  await writeFile(tokenFile, 'second')
  await call()
  await clock.advance(61_000)
  await call()
  await writeFile(tokenFile, 'third')
  status = 401
  await call()
  await call()
  t.same(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer first', 'Bearer first', 'Bearer second', 'Bearer second', 'Bearer third'],
  )
  t.equal(server.requests[0]?.url, '/a', 'the slash at the end of the address is not doubled')
  t.equal(server.requests[0]?.headers['user-agent'], 'test/1')
})

t.test('a kubeconfig gives address and token', async t => {
  await using server = await openPlain((_request, response) => response.end('{}'))
  const file = join(await folder(t), 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'of the kubeconfig' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  await writeFile(file, JSON.stringify(config))
  await using session = await openSession({ kind: 'kubeconfig', file }, manualClock())
  t.equal(session.base, server.url)
  t.match(await session.credentials(), { authorization: 'Bearer of the kubeconfig' })
})

t.test('what cannot be read is refused with its file', async t => {
  const dir = await folder(t)
  const clock = manualClock()
  const file = join(dir, 'nothing')
  await t.rejects(openSession({ kind: 'kubeconfig', file }, clock), {
    code: 'CONFIG_INVALID',
    fields: { file },
  })
  await writeFile(file, '{"kind":"Config"}')
  await t.rejects(openSession({ kind: 'kubeconfig', file }, clock), { code: 'CONFIG_INVALID' })
  await t.rejects(openSession({ kind: 'in-cluster', host: '1.2.3.4', port: '443', dir }, clock), {
    code: 'CONFIG_INVALID',
    fields: { file: join(dir, 'ca.crt') },
  })
  await t.rejects(openSession({ kind: 'plain', server: 'ftp://x' }, clock), { code: 'CONFIG_INVALID' })
})

t.test('in a pod: IPv6 addresses get their brackets', async t => {
  const dir = await folder(t)
  await writeFile(join(dir, 'ca.crt'), '')
  await writeFile(join(dir, 'token'), 'x')
  await using session = await openSession(
    { kind: 'in-cluster', host: 'fd00::1', port: '443', dir },
    manualClock(),
  )
  t.equal(session.base, 'https://[fd00::1]:443')
})
