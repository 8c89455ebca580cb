/** The parts of the coordinator, and who gets what: the only place that constructs. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '#kit/clock.ts'
import type { Log } from '#kit/log.ts'
import { LEASE_NAME, NAMESPACE } from '#protocol/names.ts'
import type { Config } from './config.ts'
import { createAggregator } from './controllers/cluster.ts'
import { createInstaller } from './controllers/install.ts'
import { createMembersKeeper } from './controllers/members.ts'
import { CLUSTER, MEMBERS, NODES, reports } from './controllers/sources.ts'
import { createEventRecorder } from './kube/events.ts'
import { runLeader } from './kube/leader.ts'
import { runReflector, type Source } from './kube/reflector.ts'
import { openApi } from './kube/request.ts'
import { openSession } from './kube/session.ts'
import { createStore, type Store } from './kube/store.ts'
import { type Reconciler, runController } from './runtime/controller.ts'
import { type Part, runParts } from './runtime/manager.ts'
import { createReadiness } from './runtime/readiness.ts'
import { createWorkQueue, type WorkQueue } from './runtime/workqueue.ts'
import { createMetrics } from './serve/metrics.ts'
import { openProbes } from './serve/probes.ts'
import { createTeller } from './serve/teller.ts'

const STOP_MS = 8_000
/** The controllers of cluster and members have one key each: there is one cluster. */
const ONLY_KEY = 'cluster'

export interface Coordinator {
  readonly config: Config
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

export async function runCoordinator(
  { config, version, clock, log }: Coordinator,
  signal: AbortSignal,
): Promise<void> {
  await using session = await openSession(config.session, clock)
  const api = openApi(session, `hawser-coordinator/${version}`)
  const me = `${config.identity}_${randomBytes(4).toString('hex')}`
  const reportsSource = reports(clock)
  const all = [NODES, MEMBERS, reportsSource, CLUSTER].map(({ name }) => name)
  const readiness = createReadiness(all)
  const metrics = createMetrics()
  const tell = createTeller(log, metrics, readiness)
  const events = createEventRecorder(api, clock, me, tell.eventFailed)

  /** Of the time in which we lead; outside of it a change needs no work. */
  let queues:
    | { readonly cluster: WorkQueue; readonly members: WorkQueue; readonly install: WorkQueue }
    | undefined
  const lookAgain = (): void => {
    queues?.cluster.add(ONLY_KEY)
    queues?.members.add(ONLY_KEY)
  }
  const nodes = createStore<ReturnType<typeof NODES.read>>(lookAgain)
  const members = createStore<ReturnType<typeof MEMBERS.read>>(lookAgain)
  const reported = createStore<ReturnType<typeof reportsSource.read>>(() => queues?.cluster.add(ONLY_KEY))
  const cluster = createStore<ReturnType<typeof CLUSTER.read>>(() => queues?.cluster.add(ONLY_KEY))

  const installer = createInstaller(api)
  const reflect = <Value>(source: Source<Value>, store: Store<Value>): Part => ({
    name: `reflector ${source.name}`,
    run: ended =>
      runReflector(
        source,
        { api, store, clock, random: Math.random, report: tell.reflector(onAbsent) },
        ended,
      ),
  })
  /** A kind that is not served: its definition is missing. */
  function onAbsent(): void {
    for (const key of installer.keys) queues?.install.add(key)
  }

  const common = { api, clock, events, nodes, members, cluster }
  const isSynced = (): boolean => readiness.isReady(...all)
  const nodesAreKnown = (): boolean => readiness.isReady(NODES.name, MEMBERS.name)

  /** One term: new queues, and every key looked at once. */
  async function lead(holds: () => boolean, term: AbortSignal): Promise<void> {
    const open = (): WorkQueue => createWorkQueue(clock, term)
    const now = { install: open(), cluster: open(), members: open() }
    const aggregator = createAggregator({
      ...common,
      reports: reported,
      isSynced,
      membersPolicy: config.members,
      apartMs: config.statusApartMs,
    })
    const keeper = createMembersKeeper({ ...common, isSynced: nodesAreKnown, policy: config.members })
    const run = (reconciler: Reconciler, queue: WorkQueue, keys: readonly string[]): Promise<void> => {
      for (const key of keys) queue.add(key)
      return runController(onlyWhile(holds, reconciler), queue, tell.controller, term)
    }
    queues = now
    try {
      await Promise.all([
        run(installer, now.install, installer.keys),
        run(aggregator, now.cluster, [ONLY_KEY]),
        run(keeper, now.members, [ONLY_KEY]),
      ])
    } finally {
      queues = undefined
    }
  }

  const parts: Part[] = [
    probesPart(),
    reflect(NODES, nodes),
    reflect(MEMBERS, members),
    reflect(reportsSource, reported),
    reflect(CLUSTER, cluster),
    {
      name: 'leader',
      run: ended =>
        runLeader(
          { namespace: NAMESPACE, lease: LEASE_NAME, me, policy: config.lease },
          { api, clock, report: tell.leader },
          lead,
          ended,
        ),
    },
  ]
  await runParts(parts, tell.manager, { withinMs: STOP_MS, clock }, signal)

  function probesPart(): Part {
    const opened = Promise.withResolvers<void>()
    return {
      name: 'probes',
      async run(ended) {
        await using probes = await openProbes(config.listen, {
          missing: readiness.missing,
          metrics: tell.metricsText,
        })
        log.info({ host: config.listen.host, port: probes.port }, 'listening for probes')
        opened.resolve()
        await new Promise<void>(resolve => ended.addEventListener('abort', () => resolve(), { once: true }))
      },
      ready: async over => {
        const ended = new Promise<void>(resolve =>
          over.addEventListener('abort', () => resolve(), { once: true }),
        )
        await Promise.race([opened.promise, ended])
      },
    }
  }
}

/** A process that was stopped for a while may wake up behind its Lease: no work begins then. */
function onlyWhile(holds: () => boolean, reconciler: Reconciler): Reconciler {
  return {
    name: reconciler.name,
    reconcile: async (key, signal) =>
      holds() ? reconciler.reconcile(key, signal) : { kind: 'again', afterMs: 1_000 },
  }
}
