import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock } from '#kit/clock.ts'
import { type LeaderConfig, runLeader } from '../../../coordinator/kube/leader.ts'
import { openApi } from '../../../coordinator/kube/request.ts'
import { openSession } from '../../../coordinator/kube/session.ts'
import { until } from '../../cluster/until.ts'
import { openApiServer } from '../../fakes/api-server.ts'

const { signal: never } = new AbortController()
const POLICY = { durationMs: 900, holdMs: 600, everyMs: 100 }
const soon = { signal: never, deadlineMs: 5_000, everyMs: 5 }

async function openFake(t: Test) {
  const server = await openApiServer({}, never)
  t.teardown(() => server[Symbol.asyncDispose]())
  return server
}

/** One replica; `log` is shared by all of a test, with times. */
async function replica(
  t: Test,
  url: string,
  me: string,
  log: { readonly who: string; readonly what: string; readonly at: number }[],
  policy = POLICY,
) {
  // For the stand-in a token is the name of its user.
  const dir = await mkdtemp(join(tmpdir(), 'hawser-leader-'))
  const tokenFile = join(dir, 'token')
  await writeFile(tokenFile, me)
  const session = await openSession({ kind: 'plain', server: url, tokenFile }, systemClock)
  const stop = new AbortController()
  const config: LeaderConfig = { namespace: 'default', lease: 'l', me, policy }
  const say = (what: string): void => void log.push({ who: me, what, at: performance.now() })
  const report = {
    leading: () => undefined,
    lost: () => undefined,
    following: (holder: string) => say(`follows ${holder}`),
    failed: () => undefined,
  }
  const ended = runLeader(
    config,
    { api: openApi(session, 'test'), clock: systemClock, report },
    async (holds, signal) => {
      say('leads')
      while (!signal.aborted) {
        if (!holds()) say('acts without the Lease')
        await sleep(5, undefined, { signal }).catch(() => undefined)
      }
      say('ends')
    },
    stop.signal,
  )
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  t.teardown(async () => {
    await end()
    await session[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  return { end, ended }
}

t.test('one of two leads; when it stops, the other one takes over at once', async t => {
  const { url } = await openFake(t)
  const log: { who: string; what: string; at: number }[] = []
  const a = await replica(t, url, 'a', log)
  await until('a leads', async () => log.find(({ what }) => what === 'leads'), soon)
  await replica(t, url, 'b', log)
  await sleep(1_500)
  t.same(
    log.map(({ who, what }) => `${who} ${what}`),
    ['a leads', 'b follows a'],
  )
  const stoppedAt = performance.now()
  await a.end()
  const taken = await until(
    'b leads',
    async () => log.find(({ who, what }) => who === 'b' && what === 'leads'),
    soon,
  )
  t.ok(taken.at - stoppedAt < 400, 'the Lease was given back')
  const ended = log.find(({ who, what }) => who === 'a' && what === 'ends')
  t.ok(ended !== undefined && ended.at <= taken.at, 'the work had ended before')
})

t.test('cut off from the API server the leader stops before another one can lead', async t => {
  const server = await openFake(t)
  const log: { who: string; what: string; at: number }[] = []
  await replica(t, server.url, 'a', log)
  await until('a leads', async () => log.find(({ what }) => what === 'leads'), soon)
  await replica(t, server.url, 'b', log)
  await sleep(300)
  using _cut = server.control.fault({ user: 'a' }, { kind: 'hang' })
  const ended = await until(
    'a ends',
    async () => log.find(({ who, what }) => who === 'a' && what === 'ends'),
    soon,
  )
  const next = await until(
    'somebody leads again',
    async () => log.filter(({ what }) => what === 'leads')[1],
    soon,
  )
  t.ok(next.at > ended.at, 'never two at once')
  t.notOk(log.some(({ what }) => what === 'acts without the Lease'))
})

t.test('the Lease counts from the moment its request was sent, not from its answer', async t => {
  const server = await openFake(t)
  const log: { who: string; what: string; at: number }[] = []
  server.control.fault({ verb: 'create', resource: 'leases' }, { kind: 'delay', ms: 450 }, 1)
  server.control.fault({ verb: 'update', resource: 'leases' }, { kind: 'hang' })
  await replica(t, server.url, 'a', log, { ...POLICY, everyMs: 500 })
  const leads = await until('a leads', async () => log.find(({ what }) => what === 'leads'), soon)
  const ends = await until('a ends', async () => log.find(({ what }) => what === 'ends'), soon)
  t.ok(ends.at - leads.at < 350, `${ends.at - leads.at} ms of 600 were left`)
})

t.test('an answer that is lost costs nothing: the next look finds the own name', async t => {
  const server = await openFake(t)
  const log: { who: string; what: string; at: number }[] = []
  await replica(t, server.url, 'a', log)
  await until('a leads', async () => log.find(({ what }) => what === 'leads'), soon)
  server.control.fault({ verb: 'update', resource: 'leases' }, { kind: 'drop-answer' }, 2)
  await sleep(800)
  t.same(
    log.map(({ what }) => what),
    ['leads'],
    'leads all the time',
  )
})

t.test('somebody takes the Lease by hand: the leader stops', async t => {
  const server = await openFake(t)
  const log: { who: string; what: string; at: number }[] = []
  await replica(t, server.url, 'a', log)
  await until('a leads', async () => log.find(({ what }) => what === 'leads'), soon)
  const session = await openSession({ kind: 'plain', server: server.url }, systemClock)
  t.teardown(() => session[Symbol.asyncDispose]())
  await openApi(session, 'hand').call({
    method: 'PATCH',
    path: '/apis/coordination.k8s.io/v1/namespaces/default/leases/l',
    contentType: 'application/merge-patch+json',
    body: { spec: { holderIdentity: 'somebody' } },
    signal: never,
  })
  await until('a ends', async () => log.find(({ what }) => what === 'ends'), soon)
  const again = await until(
    'a takes it back',
    async () => log.filter(({ what }) => what === 'leads')[1],
    soon,
  )
  const ended = log.find(({ what }) => what === 'ends')
  t.ok(again.at - (ended?.at ?? 0) > 700, 'when it was silent for the whole duration')
})

t.test('work that fails is thrown, and the Lease is given back', async t => {
  const server = await openFake(t)
  const session = await openSession({ kind: 'plain', server: server.url }, systemClock)
  t.teardown(() => session[Symbol.asyncDispose]())
  const api = openApi(session, 'test')
  const report = {
    leading: () => undefined,
    lost: () => undefined,
    following: () => undefined,
    failed: () => undefined,
  }
  const config = { namespace: 'default', lease: 'l', me: 'a', policy: POLICY }
  await t.rejects(
    runLeader(
      config,
      { api, clock: systemClock, report },
      async () => Promise.reject(new Error('broken')),
      never,
    ),
    { message: 'broken' },
  )
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l'
  t.match(await api.find({ method: 'GET', path, signal: never }), { spec: { holderIdentity: '' } })
})
