/** The coordinator's life as a script, for whatever serves the Kubernetes API: the stand-in or the real one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { Test } from 'tap'
import { systemClock } from '#kit/clock.ts'
import type { Report } from '#protocol/report.ts'
import { runCoordinator } from '../../coordinator/assemble.ts'
import { type Api, openApi } from '../../coordinator/kube/request.ts'
import type { SessionConfig } from '../../coordinator/kube/session.ts'
import { openSession } from '../../coordinator/kube/session.ts'
import type { ClusterStatus } from '../../coordinator/model/cluster-schema.ts'
import { until } from '../cluster/until.ts'
import { pair, report } from './model/reports.ts'

const { signal: never } = new AbortController()
const HAWSER = '/apis/hawser.io/v1alpha1'
const APPLY = 'application/apply-patch+yaml'

export interface Line {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Running {
  readonly lines: Line[]
  said(msg: string): Line | undefined
  end(): Promise<void>
}

/** Quick enough for a test, slow enough for a machine that is busy. */
export const QUICK = {
  listen: { host: '127.0.0.1', port: 0 },
  lease: { durationMs: 3_000, holdMs: 2_000, everyMs: 300 },
  members: { minimum: 3, settleMs: 300 },
  statusApartMs: 50,
  logLevel: 'debug',
}

export function startCoordinator(t: Test, session: SessionConfig, identity: string): Running {
  const lines: Line[] = []
  const log = pino(
    { level: 'debug', base: null, formatters: { level: label => ({ level: label }) } },
    { write: (text: string) => void lines.push(JSON.parse(text)) },
  )
  const stop = new AbortController()
  const config = { ...QUICK, session, identity }
  const ended = runCoordinator({ config, version: '0.0.0', clock: systemClock, log }, stop.signal)
  ended.catch(error => t.fail('the coordinator ended with a fault', { error }))
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  t.teardown(end)
  return { lines, said: msg => lines.find(line => line.msg === msg), end }
}

export interface World {
  readonly api: Api
  get(path: string): Promise<unknown>
  status(): Promise<ClusterStatus | undefined>
  /** Waits until the cluster's status fits. */
  becomes(what: string, fits: (status: ClusterStatus) => boolean): Promise<ClusterStatus>
  /** The namespace hawser, if it is not there. */
  namespace(): Promise<void>
  node(name: string): Promise<void>
  report(from: Report): Promise<void>
  condition(status: ClusterStatus | undefined, type: string): string
  version(path: string): Promise<string>
}

export async function openWorld(t: Test, session: SessionConfig): Promise<World> {
  const opened = await openSession(session, systemClock)
  t.teardown(() => opened[Symbol.asyncDispose]())
  const api = openApi(opened, 'test')
  const get = async (path: string): Promise<unknown> => api.find({ method: 'GET', path, signal: never })
  const status = async (): Promise<ClusterStatus | undefined> =>
    ((await get(`${HAWSER}/hawserclusters/hawser`)) as { status?: ClusterStatus } | undefined)?.status
  const apply = async (path: string, body: unknown): Promise<unknown> =>
    api.call({
      method: 'PATCH',
      path,
      query: { fieldManager: 'hawser-agent', force: 'true' },
      contentType: APPLY,
      body,
      signal: never,
    })
  return {
    api,
    get,
    status,
    async becomes(what, fits) {
      let last: ClusterStatus | undefined
      try {
        return await until(
          what,
          async () => {
            last = await status()
            return last !== undefined && fits(last) ? last : undefined
          },
          { signal: never, deadlineMs: 15_000, everyMs: 50 },
        )
      } catch (error) {
        t.comment(JSON.stringify(last))
        throw error
      }
    },
    async namespace() {
      await apply('/api/v1/namespaces/hawser', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'hawser' },
      })
    },
    async node(name) {
      const body = { apiVersion: 'v1', kind: 'Node', metadata: { name } }
      await api.call({ method: 'POST', path: '/api/v1/nodes', body, signal: never })
      const is = {
        addresses: [{ type: 'InternalIP', address: `10.0.0.${name.slice(1)}` }],
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Test',
            message: '',
            lastHeartbeatTime: null,
            lastTransitionTime: null,
          },
        ],
      }
      const path = `/api/v1/nodes/${name}/status`
      await api.call({
        method: 'PATCH',
        path,
        contentType: 'application/merge-patch+json',
        body: { status: is },
        signal: never,
      })
    },
    async report(from) {
      const head = { apiVersion: 'hawser.io/v1alpha1', kind: 'HawserNode', metadata: { name: from.node } }
      const path = `${HAWSER}/hawsernodes/${from.node}`
      await apply(path, head)
      await apply(`${path}/status`, { ...head, status: from })
    },
    condition(of, type) {
      const found = of?.conditions.find(condition => condition.type === type)
      return `${found?.status} ${found?.reason}`
    },
    async version(path) {
      return ((await get(path)) as { metadata: { resourceVersion: string } }).metadata.resourceVersion
    },
  }
}

export const now = (): string => new Date().toISOString()

/** From an empty cluster to a status that is true, and through what may happen to it. `session` is that of an administrator. */
export async function liveThrough(
  t: Test,
  session: SessionConfig,
  coordinator: SessionConfig = session,
): Promise<void> {
  const world = await openWorld(t, session)
  const { becomes, condition } = world
  const members = '/api/v1/namespaces/hawser/configmaps/hawser-members'
  const { primary, secondary } = pair()
  const cluster = `${HAWSER}/hawserclusters/hawser`
  await world.namespace()
  for (const name of ['n1', 'n2']) await world.node(name)
  const first = startCoordinator(t, coordinator, 'first')

  await t.test('it installs its definitions, leads, and says what is missing', async t => {
    const status = await becomes('a first status', ({ nodesTotal }) => nodesTotal === 2)
    t.equal(status.ready, '0/2')
    t.equal(condition(status, 'MembersMatch'), 'False MembersUnknown')
    t.equal(condition(status, 'NodesReady'), 'False NodesNotReady')
    t.match(await world.get('/apis/coordination.k8s.io/v1/namespaces/hawser/leases/hawser-coordinator'), {
      spec: { holderIdentity: /^first_/, leaseTransitions: 0 },
    })
    t.equal(await world.get(members), undefined, 'two nodes make no list of members')
  })

  await t.test('three nodes make the list of members, once', async t => {
    await world.node('n3')
    await becomes('members', status => condition(status, 'MembersMatch') === 'True Agree')
    t.same(
      JSON.parse(((await world.get(members)) as { data: Record<string, string> }).data['members.json'] ?? ''),
      {
        members: ['n1', 'n2', 'n3'].map((node, index) => ({ node, addresses: [`10.0.0.${index + 1}`] })),
      },
    )
  })

  await t.test('two reports make a status', async t => {
    await world.report(report('n1', { volumes: [primary], reportedAt: now() }))
    await world.report(report('n2', { volumes: [secondary], reportedAt: now() }))
    const status = await becomes(
      'both',
      ({ ready, volumesHealthy }) => ready === '2/3' && volumesHealthy === '1/1',
    )
    t.match(status.volumes, [{ resource: 'r0', state: 'healthy', primary: ['n1'] }])
    t.equal(condition(status, 'VolumesHealthy'), 'Unknown ReportsMissing', 'n3 has not spoken yet')
    await world.report(report('n3', { reportedAt: now() }))
    const good = await becomes('all', ({ ready }) => ready === '3/3')
    t.equal(condition(good, 'Ready'), 'True AllGood')
  })

  await t.test('nothing changes, nothing is written; a renewal of a report is not a change', async t => {
    const before = await world.version(cluster)
    await world.report(report('n3', { reportedAt: now() }))
    await sleep(1_000)
    t.equal(await world.version(cluster), before)
  })

  await t.test('a node that dies: what its peers say counts before its report is old', async t => {
    for (const [self, volumes] of [
      ['n2', [{ ...secondary, role: 'Primary' as const }]],
      ['n3', []],
    ] as const)
      await world.report(
        report(self, {
          volumes: [...volumes],
          members: report(self).members.map(word =>
            word.node === 'n1' ? { ...word, state: 'lost' as const } : word,
          ),
          reportedAt: now(),
        }),
      )
    const status = await becomes('n1 is lost', ({ ready }) => ready === '2/3')
    t.match(
      status.volumes,
      [{ resource: 'r0', state: 'degraded', primary: ['n2'] }],
      'one Primary only: the survivor',
    )
    t.match(
      status.nodes.find(({ node }) => node === 'n1'),
      { reportOld: true, reasons: [{ code: 'ReportOld' }, { code: 'NodeLost' }] },
    )
    await world.report(report('n2', { volumes: [secondary], reportedAt: now() }))
    await world.report(report('n3', { reportedAt: now() }))
    await becomes('n1 is back', ({ ready }) => ready === '3/3')
  })

  await t.test('a list of members is never changed, only compared', async t => {
    await world.node('n4')
    await becomes(
      'the difference is said',
      status => condition(status, 'MembersMatch') === 'False NodeNotMember',
    )
    const before = await world.version(members)
    await sleep(500)
    t.equal(await world.version(members), before)
    await world.api.call({ method: 'DELETE', path: '/api/v1/nodes/n4', signal: never })
    await becomes('they agree again', status => condition(status, 'MembersMatch') === 'True Agree')
  })

  await t.test('what somebody deletes is made again, what somebody changes is put right', async t => {
    await world.api.call({ method: 'DELETE', path: cluster, signal: never })
    await becomes('the status is back', ({ ready }) => ready === '3/3')
    const body = { status: { ready: '9/9' } }
    const contentType = 'application/merge-patch+json'
    await world.api.call({ method: 'PATCH', path: `${cluster}/status`, contentType, body, signal: never })
    t.ok(await becomes('it is right again', ({ ready }) => ready === '3/3'))
  })

  await t.test('a second one stands by, and takes over when the first one stops', async t => {
    const second = startCoordinator(t, coordinator, 'second')
    await until('it stands by', async () => second.said('standing by'), { signal: never, deadlineMs: 10_000 })
    await first.end()
    await until('it leads', async () => second.said('leading'), { signal: never, deadlineMs: 10_000 })
    await world.report(report('n3', { reasons: [{ code: 'Test', text: 'a word' }], reportedAt: now() }))
    await becomes('its status', ({ ready }) => ready === '2/3')
    await world.report(report('n3', { reportedAt: now() }))
    await becomes('and again', ({ ready }) => ready === '3/3')
    t.same(
      second.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
      [],
    )
    await second.end()
  })
}
