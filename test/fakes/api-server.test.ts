/** The stand-in API server beyond the contract: faults on demand, the request log, users, garbage, time. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { ContractClient } from '../contract/client.ts'
import { type ApiServerOptions, type FakeApiServer, openApiServer } from './api-server.ts'
import { soon } from './small-cluster.ts'

const PODS = '/api/v1/namespaces/default/pods'
const MAPS = '/api/v1/namespaces/default/configmaps'
const pod = (name: string, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
})

function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0
}

async function open(
  t: Test,
  options: ApiServerOptions = {},
): Promise<{ server: FakeApiServer; api: ContractClient }> {
  const server = await openApiServer(options, new AbortController().signal)
  const api = new ContractClient({
    url: server.url,
    token: 'tester',
    forget: async () => server.control.compact(),
  })
  t.teardown(async () => {
    await api[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, api }
}

t.test('the log counts calls by user, verb, resource, name and answer', async t => {
  const { server, api } = await open(t)
  const { log } = server.control
  await api.post(PODS, pod('a'))
  await api.get('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')
  await api.delete(`${PODS}/a`, { gracePeriodSeconds: 0 })
  await api.delete(`${PODS}/a`)
  t.equal(log.count({ verb: 'delete', resource: 'pods', name: 'a' }), 2)
  t.equal(log.count({ verb: 'delete', resource: 'pods', code: 200 }), 1)
  t.equal(log.count({ verb: ['create', 'list'], user: 'tester' }), 2)
  t.equal(log.count({ user: /^other/ }), 0)
  t.equal(log.counts().get('tester delete pods'), 2)
  t.match(log.list({ verb: 'delete' })[0], {
    body: { gracePeriodSeconds: 0 },
    namespace: 'default',
    address: '127.0.0.1',
  })
  log.clear()
  t.equal(log.count(), 0)
})

t.test('without tokens a token is its user, with them others are 401 and none is anonymous', async t => {
  const { api } = await open(t, { tokens: new Map([['tester', { name: 'agent', groups: [] }]]) })
  t.equal((await api.call('GET', PODS, undefined, undefined, 'wrong')).code, 401)
  t.equal((await api.call('GET', PODS, undefined, undefined, '')).code, 200)
  t.equal((await api.get(PODS)).code, 200)
})

t.test('a denied call is 403 in the words of the authorizer', async t => {
  const { server, api } = await open(t)
  {
    using _no = server.control.deny({ user: 'tester', verb: 'delete', resource: 'pods' })
    t.match(await api.delete(`${PODS}/a`), {
      code: 403,
      body: {
        reason: 'Forbidden',
        message:
          'pods "a" is forbidden: User "tester" cannot delete resource "pods" in API group "" in the namespace "default"',
      },
    })
    t.equal((await api.get(PODS)).code, 200)
  }
  t.equal((await api.delete(`${PODS}/a`)).code, 404)
})

t.test('errors hit what they are meant for, as often as they are meant to', async t => {
  const { server, api } = await open(t)
  const busy = server.control.fault(
    { verb: 'create', resource: 'pods' },
    { kind: 'error', code: 429, retryAfterS: 2 },
    1,
  )
  const refused = await api.post(PODS, pod('a'))
  t.match(refused, { code: 429, body: { reason: 'TooManyRequests', details: { retryAfterSeconds: 2 } } })
  t.equal(refused.headers['retry-after'], '2')
  t.equal((await api.post(PODS, pod('a'))).code, 201)
  t.equal(busy.hits, 1)
  const broken = server.control.fault({}, { kind: 'error', code: 503 })
  t.equal((await api.get(PODS)).code, 503)
  broken.remove()
  t.equal((await api.get(PODS)).code, 200)
})

t.test('a delay is waited for, a dropped answer leaves the deed', async t => {
  const { server, api } = await open(t)
  server.control.fault({ verb: 'get' }, { kind: 'delay', ms: 300 }, 1)
  const begun = performance.now()
  await api.get(`${MAPS}/a`)
  t.ok(performance.now() - begun >= 295)

  server.control.fault({ verb: 'create' }, { kind: 'drop' }, 1)
  await t.rejects(api.post(MAPS, { metadata: { name: 'a' } }))
  t.equal((await api.get(`${MAPS}/a`)).code, 404, 'nothing was done')
  server.control.fault({ verb: 'create' }, { kind: 'drop-answer' }, 1)
  await t.rejects(api.post(MAPS, { metadata: { name: 'b' } }))
  t.equal((await api.get(`${MAPS}/b`)).code, 200, 'it was done, and nobody was told')
})

t.test('a hanging call is never answered', async t => {
  const { server } = await open(t)
  server.control.fault({}, { kind: 'hang' })
  await t.rejects(request(`${server.url}${PODS}`, { signal: AbortSignal.timeout(300) }))
  t.equal(server.control.log.count({ verb: 'list' }), 1)
})

t.test('down is a reset of old and new connections, up brings the same objects back', async t => {
  const { server, api } = await open(t)
  await api.post(MAPS, { metadata: { name: 'a' } })
  const watching = api.watch(`${MAPS}?watch=1&resourceVersion=0`, { untilMs: 3_000 })
  await soon(() => (server.control.watches('configmaps') === 1 ? true : undefined))
  server.control.down()
  await t.rejects(watching)
  await t.rejects(api.get(MAPS))
  t.equal(server.control.watches(), 0)
  server.control.up()
  t.equal((await api.get(`${MAPS}/a`)).code, 200)
})

t.test('one client address can be cut off and healed', async t => {
  const { server, api } = await open(t, { host: '0.0.0.0' })
  server.control.cut('127.0.0.1')
  await t.rejects(api.get(MAPS))
  server.control.heal('127.0.0.1')
  t.equal((await api.get(MAPS)).code, 200)
})

t.test('running watches can be ended, expired and sent a bookmark', async t => {
  const { server, api } = await open(t)
  const start = async () => {
    const watching = api.watch(
      `${MAPS}?watch=1&resourceVersion=${server.store.version}&allowWatchBookmarks=1`,
      { untilMs: 5_000 },
    )
    await soon(() => (server.control.watches('configmaps') === 1 ? true : undefined))
    return watching.then(events =>
      events.map(({ type, object }) => `${type} ${object.code ?? object.metadata.resourceVersion}`),
    )
  }
  const first = start()
  await soon(() => (server.control.watches() === 1 ? true : undefined))
  const other = (await api.post(PODS, pod('a'))).body.metadata.resourceVersion
  server.control.bookmark()
  server.control.endWatches('end', 'configmaps')
  t.same(await first, [`BOOKMARK ${other}`], 'a bookmark is as new as the server, not as the resource')
  const second = start()
  await soon(() => (server.control.watches() === 1 ? true : undefined))
  server.control.endWatches('expire')
  t.same(await second, ['ERROR 410'])
})

t.test('dependents go with their last owner, others only lose the reference', async t => {
  const { api } = await open(t)
  const owner = async (name: string) => {
    const { uid } = (await api.post(MAPS, { metadata: { name } })).body.metadata
    return { apiVersion: 'v1', kind: 'ConfigMap', name, uid }
  }
  const [first, second] = [await owner('first'), await owner('second')]
  await api.post(MAPS, { metadata: { name: 'child', ownerReferences: [first] } })
  await api.post(MAPS, { metadata: { name: 'shared', ownerReferences: [first, second] } })
  await api.post(
    PODS,
    pod('grandchild', {
      ownerReferences: [{ ...first, name: 'child', uid: (await api.get(`${MAPS}/child`)).body.metadata.uid }],
    }),
  )
  await api.delete(`${MAPS}/first`)
  await soon(async () => ((await api.get(`${PODS}/grandchild`)).code === 404 ? true : undefined))
  t.equal((await api.get(`${MAPS}/child`)).code, 404)
  t.same((await api.get(`${MAPS}/shared`)).body.metadata.ownerReferences, [second])
})

t.test('foreground and orphan deletion', async t => {
  const { api } = await open(t)
  const make = async (name: string) => {
    const { uid } = (await api.post(MAPS, { metadata: { name } })).body.metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }]
    await api.post(MAPS, {
      metadata: { name: `${name}-child`, ownerReferences, finalizers: name === 'slow' ? ['h.io/hold'] : [] },
    })
  }
  await make('slow')
  await api.delete(`${MAPS}/slow`, { propagationPolicy: 'Foreground' })
  await sleep(50)
  t.equal((await api.get(`${MAPS}/slow`)).code, 200, 'it waits for its child')
  await api.patch(`${MAPS}/slow-child`, { metadata: { finalizers: null } }, 'application/merge-patch+json')
  await soon(async () => ((await api.get(`${MAPS}/slow`)).code === 404 ? true : undefined))
  await make('left')
  await api.delete(`${MAPS}/left?propagationPolicy=Orphan`)
  await soon(async () => ((await api.get(`${MAPS}/left`)).code === 404 ? true : undefined))
  t.notOk((await api.get(`${MAPS}/left-child`)).body.metadata.ownerReferences?.length)
})

t.test('a namespace takes what is in it along', async t => {
  const { api } = await open(t)
  await api.post('/api/v1/namespaces', { metadata: { name: 'gone' } })
  await api.post('/api/v1/namespaces/gone/configmaps', { metadata: { name: 'a' } })
  t.match(await api.delete('/api/v1/namespaces/gone'), {
    code: 200,
    body: { status: { phase: 'Terminating' } },
  })
  await soon(async () => ((await api.get('/api/v1/namespaces/gone')).code === 404 ? true : undefined))
  t.equal((await api.get('/api/v1/namespaces/gone/configmaps/a')).code, 404)
})

t.test('bookmarks come by themselves at the configured interval', async t => {
  const { api } = await open(t, { timing: { bookmarkEveryMs: 50 } })
  const events = await api.watch(`${MAPS}?watch=1&resourceVersion=105&allowWatchBookmarks=true`, { count: 3 })
  t.ok(events.every(event => event.type === 'BOOKMARK'))
})

t.test(
  'TLS with the given certificate',
  { skip: hasOpenssl() ? false : 'openssl is not installed' },
  async t => {
    const dir = t.testdir({})
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      `${dir}/key`,
      '-out',
      `${dir}/cert`,
      '-subj',
      '/CN=x',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-days',
      '1',
    ]
    execFileSync('openssl', args, { stdio: 'ignore' })
    const [key, cert] = ['key', 'cert'].map(name => readFileSync(`${dir}/${name}`, 'utf8')) as [
      string,
      string,
    ]
    const server = await openApiServer({ tls: { key, cert } }, new AbortController().signal)
    t.teardown(() => server[Symbol.asyncDispose]())
    await using api = new ContractClient({ url: server.url, ca: cert, token: 'a', forget: async () => {} })
    t.match(server.url, /^https:/)
    t.equal((await api.get('/healthz')).body, 'ok')
  },
)

t.test('its signal closes it, and closing twice is no fault', async t => {
  const stop = new AbortController()
  const server = await openApiServer({}, stop.signal)
  stop.abort()
  await t.rejects(request(`${server.url}/healthz`))
  await server[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
