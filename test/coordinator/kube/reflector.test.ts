import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock } from '#kit/clock.ts'
import { REFLECTOR_LIMITS, type ReflectorLimits, runReflector } from '../../../coordinator/kube/reflector.ts'
import type { Api } from '../../../coordinator/kube/request.ts'
import { createStore } from '../../../coordinator/kube/store.ts'
import { until } from '../../cluster/until.ts'
import { openApiServer } from '../../fakes/api-server.ts'
import { openPlain, openTo } from './plain-server.ts'

const QUICK: ReflectorLimits = { ...REFLECTOR_LIMITS, absentMs: 50, soundMs: 100 }
const { signal: never } = new AbortController()

interface Followed {
  readonly keys: () => string
  readonly changes: string[]
  readonly said: string[]
  /** Waits until the store holds these names. */
  holds(names: string): Promise<unknown>
  /** Waits until a watch has been answered. */
  watches(): Promise<unknown>
  end(): Promise<void>
}

function follow(t: Test, api: Api, path: string, limits: ReflectorLimits = QUICK): Followed {
  const changes: string[] = []
  const said: string[] = []
  const store = createStore<string>(key => changes.push(key))
  const stop = new AbortController()
  const report = {
    synced: () => said.push('synced'),
    watching: () => said.push('watching'),
    failed: (_name: string, attempt: number, waitMs: number, error: unknown) =>
      said.push(`failed ${attempt} ${waitMs} ${(error as { code?: string }).code}`),
  }
  const source = { name: 'x', path, read: (_raw: unknown, from: string) => from }
  const ended = runReflector(
    source,
    { api, store, clock: systemClock, random: () => 0, report },
    stop.signal,
    limits,
  )
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  t.teardown(end)
  const keys = (): string =>
    [...store.values()]
      .map(({ key }) => key)
      .sort()
      .join(' ')
  return {
    keys,
    changes,
    said,
    end,
    watches: async () =>
      until('a watch', async () => said.find(word => word === 'watching'), {
        signal: never,
        deadlineMs: 5_000,
        everyMs: 5,
      }),
    holds: async names =>
      until(
        `the store holds "${names}", not "${keys()}"`,
        async () => (keys() === names ? true : undefined),
        {
          signal: never,
          deadlineMs: 5_000,
          everyMs: 5,
        },
      ),
  }
}

async function openFake(t: Test) {
  const server = await openApiServer({}, never)
  const { api, session } = await openTo(server.url)
  t.teardown(async () => {
    await session[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const node = async (name: string, method: 'POST' | 'DELETE' = 'POST'): Promise<unknown> =>
    method === 'POST'
      ? api.call({
          method,
          path: '/api/v1/nodes',
          body: { apiVersion: 'v1', kind: 'Node', metadata: { name } },
          signal: never,
        })
      : api.call({ method, path: `/api/v1/nodes/${name}`, signal: never })
  return { server, api, node }
}

t.test('a list in pages, then what changes', async t => {
  const { server, api, node } = await openFake(t)
  for (const name of ['a', 'b', 'c', 'd', 'e']) await node(name)
  const seen = follow(t, api, '/api/v1/nodes', { ...QUICK, pageSize: 2 })
  await seen.holds('a b c d e')
  t.equal(server.control.log.count({ verb: 'list', resource: 'nodes' }), 3, 'five objects in pages of two')
  await node('f')
  await node('a', 'DELETE')
  await seen.holds('b c d e f')
})

t.test('a version that is gone is listed again, and only differences count', async t => {
  const { server, api, node } = await openFake(t)
  for (const name of ['a', 'b']) await node(name)
  const seen = follow(t, api, '/api/v1/nodes')
  await seen.holds('a b')
  await seen.watches()
  seen.changes.splice(0)
  server.control.endWatches('expire', 'nodes')
  await until(
    'the relist',
    async () => (seen.said.filter(word => word === 'synced').length === 2 ? true : undefined),
    {
      signal: never,
      deadlineMs: 5_000,
      everyMs: 5,
    },
  )
  t.ok(seen.said.includes('failed 1 0 API_GONE'), 'at once, without a wait')
  t.same(seen.changes, [], 'nothing has changed')
  await node('c')
  await seen.holds('a b c')
  t.same(seen.changes, ['c'])
})

t.test('compaction while the API server is away: what was missed is seen afterwards', async t => {
  const { server, api, node } = await openFake(t)
  for (const name of ['a', 'b']) await node(name)
  const seen = follow(t, api, '/api/v1/nodes')
  await seen.holds('a b')
  await seen.watches()
  using _denied = server.control.fault({ verb: 'watch', resource: 'nodes' }, { kind: 'error', code: 503 })
  server.control.endWatches('end', 'nodes')
  await node('a', 'DELETE')
  await node('c')
  server.control.compact()
  server.control.clearFaults()
  await seen.holds('b c')
})

t.test('the API server goes and comes back: the watch goes on where it was, without a list', async t => {
  const { server, api, node } = await openFake(t)
  await node('a')
  const seen = follow(t, api, '/api/v1/nodes')
  await seen.holds('a')
  await seen.watches()
  server.control.down()
  await until('a failure', async () => seen.said.find(word => word.startsWith('failed')), {
    signal: never,
    deadlineMs: 5_000,
  })
  server.control.up()
  await node('b')
  await seen.holds('a b')
  t.equal(server.control.log.count({ verb: 'list', resource: 'nodes', code: 200 }), 1)
})

t.test('a kind that is not served yet is found when it comes', async t => {
  const { api } = await openFake(t)
  const seen = follow(t, api, '/apis/hawser.io/v1alpha1/hawsernodes')
  await sleep(120)
  t.equal(seen.said.filter(word => word === 'failed 1 50 API_REFUSED').length, 1)
  const { wantedCrds } = await import('../../../coordinator/model/crd-plan.ts')
  for (const body of wantedCrds())
    await api.call({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body,
      signal: never,
    })
  await until('synced', async () => seen.said.find(word => word === 'synced'), {
    signal: never,
    deadlineMs: 5_000,
  })
})

const LIST = JSON.stringify({
  metadata: { resourceVersion: '5' },
  items: [{ metadata: { name: 'a', resourceVersion: '4' } }],
})
const added = (name: string, version: string): string =>
  `${JSON.stringify({ type: 'ADDED', object: { metadata: { name, resourceVersion: version } } })}\n`

/** Answers lists with LIST, and the nth watch with the nth text; later watches stay open. */
async function openScript(t: Test, watches: readonly (string | 'hang')[]) {
  let next = 0
  const server = await openPlain((request, response) => {
    if (!request.url?.includes('watch=true')) return void response.end(LIST)
    const text = watches[next++]
    response.writeHead(200)
    if (text === undefined || text === 'hang') return void response.flushHeaders()
    return void response.end(text)
  })
  t.teardown(() => server[Symbol.asyncDispose]())
  const versions = (): string[] =>
    server.requests.map(({ url }) => new URL(url, 'http://x').searchParams.get('resourceVersion') ?? 'list')
  return { server, versions }
}

t.test(
  'a line that cannot be read ends the watch: nothing is skipped, everything is listed again',
  async t => {
    for (const [name, bad] of Object.entries({
      'not JSON': '{"type":\n',
      'not an event': '{"kind":"Table"}\n',
      'no metadata': `${JSON.stringify({ type: 'MODIFIED', object: {} })}\n`,
      'an unknown type': `${JSON.stringify({ type: 'NEWS', object: { metadata: { name: 'z', resourceVersion: '9' } } })}\n`,
    })) {
      const { server, versions } = await openScript(t, [added('b', '6') + bad + added('never', '7')])
      const seen = follow(t, server.api, '/x')
      await until(name, async () => (versions().length >= 4 ? true : undefined), {
        signal: never,
        deadlineMs: 5_000,
      })
      t.same(versions(), ['list', '5', 'list', '5'], name)
      t.ok(seen.said.includes('failed 1 250 WIRE_MALFORMED'), name)
      t.notOk(seen.changes.includes('never'), `${name}: what came after it was not taken`)
      await seen.end()
    }
  },
)

t.test('a watch goes on from the newest version, also from that of a bookmark', async t => {
  const bookmark = `${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Node', metadata: { resourceVersion: '77' } } })}\n`
  const { server, versions } = await openScript(t, [added('b', '6') + bookmark])
  const seen = follow(t, server.api, '/x')
  await until('the second watch', async () => (versions().length >= 3 ? true : undefined), {
    signal: never,
    deadlineMs: 5_000,
  })
  t.same(versions(), ['list', '5', '77'])
  t.equal(seen.keys(), 'a b')
})

t.test('watches that end at once are not opened in a tight loop', async t => {
  const { server, versions } = await openScript(
    t,
    Array.from({ length: 100 }, () => ''),
  )
  follow(t, server.api, '/x')
  await sleep(1_000)
  t.ok(versions().length <= 5, `${versions().length} requests in a second`)
})

t.test('a watch whose connection is dead is ended by ourselves', async t => {
  const { server, versions } = await openScript(t, ['hang', 'hang'])
  const seen = follow(t, server.api, '/x', { ...QUICK, watchMs: 1_000, graceMs: 200 })
  await until('the second watch', async () => (versions().length >= 3 ? true : undefined), {
    signal: never,
    deadlineMs: 5_000,
  })
  t.same(versions().slice(0, 3), ['list', '5', '5'])
  t.ok(seen.said.some(word => /^failed 1 250 API_UNREACHABLE$/.test(word)))
  const url = new URL(server.requests[1]?.url ?? '', 'http://x')
  t.equal(url.searchParams.get('timeoutSeconds'), '1', 'the server was told to end it sooner')
  t.equal(url.searchParams.get('allowWatchBookmarks'), 'true')
})
