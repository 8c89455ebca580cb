/** The whole coordinator, and faults that only a stand-in of the API server makes on demand. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { SessionConfig } from '../../coordinator/kube/session.ts'
import { until } from '../cluster/until.ts'
import { openApiServer } from '../fakes/api-server.ts'
import { pair, report } from './model/reports.ts'
import { now, openWorld, startCoordinator } from './scenario.ts'

const { signal: never } = new AbortController()

async function openFake(t: Test) {
  const server = await openApiServer({}, never)
  t.teardown(() => server[Symbol.asyncDispose]())
  const session: SessionConfig = { kind: 'plain', server: server.url }
  const world = await openWorld(t, session)
  await world.namespace()
  return { server, session, world }
}

t.test('every watch ends as expired while things change, then the API server is away', async t => {
  const { server, session, world } = await openFake(t)
  for (const name of ['n1', 'n2', 'n3']) await world.node(name)
  const running = startCoordinator(t, session, 'a')
  await world.becomes('members', status => world.condition(status, 'MembersMatch') === 'True Agree')
  const { primary, secondary } = pair()
  await world.report(report('n1', { volumes: [primary], reportedAt: now() }))
  server.control.endWatches('expire')
  await world.report(report('n2', { volumes: [secondary], reportedAt: now() }))
  await world.becomes('both reports', ({ ready }) => ready === '2/3')
  t.ok(
    running.lines.some(({ reason }) => String(reason).startsWith('API_GONE')),
    'watches had expired',
  )

  // Longer than the Lease can be held: the coordinator stops to lead, and starts again when the server is back.
  server.control.down()
  await until('it no longer leads', async () => running.said('no longer leading'), {
    signal: never,
    deadlineMs: 10_000,
  })
  server.control.up()
  await world.report(report('n3', { reportedAt: now() }))
  await world.becomes('it leads again', ({ ready }) => ready === '3/3')
  t.equal(running.lines.filter(({ msg }) => msg === 'leading').length, 2)
})

t.test('it asks for little when nothing happens', async t => {
  const { server, session, world } = await openFake(t)
  for (const name of ['n1', 'n2', 'n3']) {
    await world.node(name)
  }
  startCoordinator(t, session, 'a')
  await world.becomes('members', status => world.condition(status, 'MembersMatch') === 'True Agree')
  await sleep(1_500)
  const before = server.control.log.count({})
  const lease = server.control.log.count({ resource: 'leases' })
  await sleep(2_000)
  const others =
    server.control.log.count({}) - before - (server.control.log.count({ resource: 'leases' }) - lease)
  t.equal(others, 0, 'only the Lease is renewed')
})

t.test('a list of members that somebody makes at the same moment is kept', async t => {
  const { server, session, world } = await openFake(t)
  // The coordinator does not see it: its list shows none, and its create finds it there.
  using _blind = server.control.fault({ verb: 'watch', resource: 'configmaps' }, { kind: 'hang' })
  for (const name of ['n1', 'n2']) await world.node(name)
  startCoordinator(t, session, 'a')
  await world.becomes('a status', ({ nodesTotal }) => nodesTotal === 2)
  const mine = { 'members.json': '{"members":[{"node":"n1","addresses":["10.9.9.1"]}]}' }
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'hawser-members', namespace: 'hawser' },
    data: mine,
  }
  await world.api.call({ method: 'POST', path: '/api/v1/namespaces/hawser/configmaps', body, signal: never })
  await world.node('n3')
  await until(
    'its attempt',
    async () => server.control.log.list({ verb: 'create', resource: 'configmaps', code: 409 })[0],
    {
      signal: never,
      deadlineMs: 10_000,
    },
  )
  t.match(await world.get('/api/v1/namespaces/hawser/configmaps/hawser-members'), { data: mine })
})

t.test('refusals of the API server are repeated with waits, and do not end the process', async t => {
  const { server, session, world } = await openFake(t)
  const denied = server.control.deny({ resource: 'hawserclusters/status' })
  for (const name of ['n1', 'n2', 'n3']) await world.node(name)
  const running = startCoordinator(t, session, 'a')
  await until('the failure', async () => running.said('work on a key failed'), {
    signal: never,
    deadlineMs: 10_000,
  })
  await sleep(1_500)
  const attempts = server.control.log.count({ verb: 'patch', resource: 'hawserclusters/status' })
  t.ok(attempts >= 2 && attempts <= 6, `${attempts} attempts`)
  denied[Symbol.dispose]()
  await world.becomes('a status', ({ nodesTotal }) => nodesTotal === 3)
})
