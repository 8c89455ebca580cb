/** The parts list of the agent: the only place that constructs. */
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import { TAINT_LOST_QUORUM } from '#protocol/names.ts'
import { openSysRq, type SysRq } from '../native/sysrq.ts'
import { type Board, openBoard } from './board.ts'
import type { Config } from './config.ts'
import { DEFAULT_POLICY, type Policy } from './decide/policy.ts'
import { whyFallen } from './decide/recheck.ts'
import { toReport } from './decide/report.ts'
import { toStatus } from './decide/status.ts'
import { type DrbdCommands, openDrbdCommands } from './effect/drbd-commands.ts'
import { runFailover } from './effect/failover.ts'
import { openFenceDesk } from './effect/fence-desk.ts'
import { type LanePorts, type Lanes, openLanes } from './effect/lanes.ts'
import { openMemory } from './effect/memory.ts'
import { outdateOwnCopy } from './effect/outdate.ts'
import { keepReport } from './effect/reporter.ts'
import { readBootId } from './host/boot.ts'
import { readClusterKey } from './host/cluster-key.ts'
import { installHelper } from './host/helper-install.ts'
import { openStateFile } from './host/state-file.ts'
import { watchdogPort } from './host/watchdog.ts'
import { type Inbox, openInbox } from './inbox.ts'
import { lazyKube } from './kube/lazy.ts'
import type { Kube } from './kube/request.ts'
import { untaint } from './kube/steps.ts'
import { type Latency, openLatency } from './latency.ts'
import { runLoop } from './loop.ts'
import { type Narrator, openNarrator, wallAt } from './narrate.ts'
import { openStatusServer, type Routes } from './serve/status-server.ts'
import { openDrbdEvents } from './source/drbd-events.ts'
import { learnMembers } from './source/members.ts'
import { openMesh } from './source/mesh.ts'
import { seeOwnNode, watchOwnNode } from './source/own-node.ts'
import type { NodeEvent } from './state/events.ts'
import { emptyState, reduce } from './state/node-state.ts'

export interface AgentParts {
  readonly config: Config
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

const INBOX_LIMIT = 20_000
const FENCE_WAIT_MS = 25_000
const CLEAN_STOP_MS = 4000

/** Runs until `stop`, then stops cleanly: the watchdog is disarmed if a majority agrees to know it, else it stays armed. */
export async function runAgent(parts: AgentParts, stop: AbortSignal): Promise<void> {
  const { config, clock, log } = parts
  const policy: Policy = { ...DEFAULT_POLICY, lease: config.lease, takeoverMs: config.takeoverMs }
  // Everything ends with this one, newest first; it is aborted when the loop has ended.
  const life = new AbortController()
  await using own = new AsyncDisposableStack()
  own.defer(() => life.abort(new Error('the agent ends')))

  const hmac = readClusterKey(config.keyFile)
  const memory = openMemory(openStateFile(config.stateDir, 'memory.json'))
  const reset = own.use(openReset(log))
  log.info({ helper: installHelper(config.helper, config.stateDir) }, 'fence-peer handler')
  const watchdog =
    config.watchdog === undefined ? undefined : watchdogPort(config.watchdog, config.holder, clock)
  own.defer(() => watchdog?.abandon())
  const inbox = openInbox<NodeEvent>(clock, INBOX_LIMIT, dropped => ({ kind: 'overflow', dropped }))
  const post = (event: NodeEvent): void => inbox.post(event)
  const kube = config.api === undefined ? undefined : own.use(lazyKube(config.api, clock))
  const mesh = own.use(await openMesh(config.beatPort, hmac, clock, post))
  const bootId = readBootId()
  const startedAt = clock.mono()

  const board = openBoard()
  const narrator = openNarrator(clock, log)
  const latency = openLatency()
  const desk = openFenceDesk(clock, FENCE_WAIT_MS, post)
  const commands = openDrbdCommands(clock)
  const context: Context = { parts, policy, board, narrator, inbox, kube, commands, life: life.signal }
  const lanes = openLanes(
    {
      clock,
      log,
      post,
      memory,
      desk,
      hmac,
      send: (bytes, address) => mesh.udp.send(bytes, address),
      watchdog,
      reboot: () => reset.reboot(),
      outdate: resource => outdateOwnCopy(commands, resourceOf(board, resource), life.signal),
      ...clusterLanes(context),
    },
    { node: config.node, bootId },
    life.signal,
  )
  own.use(await openStatusServer(config.socketPath, routesOf(context, desk, latency)))
  const drbd = own.use(openDrbdEvents({ clock, log }, post, life.signal))
  own.use(background(sourcesOf(context, config), log, life))

  let state = emptyState({
    self: config.node,
    life: { bootId, incarnation: Math.floor(startedAt * 1000) },
    startedAt,
    resetMs: watchdog === undefined ? undefined : 2 * config.lease.watchdogMs,
  })
  state = reduce(state, { kind: 'peers-loaded', peers: memory.peers })
  if (memory.promise !== undefined) state = reduce(state, { kind: 'promise-saved', promise: memory.promise })

  stop.addEventListener('abort', () => post({ kind: 'stop-asked' }))
  const hurry = AbortSignal.any([afterStop(stop, CLEAN_STOP_MS), life.signal])
  const publish = (next: typeof state, plan: Parameters<Board['publish']>[1]): void => {
    if (next.dropped > state.dropped) drbd.resync('the inbox was full')
    state = next
    board.publish(next, plan)
    narrator.follow(next)
  }
  const ended = await runLoop(
    { clock, policy, inbox, start: effects => lanes.start(effects), publish, turned: latency.note },
    state,
    hurry,
  )
  if (ended === 'aborted' && state.watchdog.device === 'open')
    log.warn('the watchdog stays armed: no majority has noted that it would be off')
  life.abort(new Error('the agent ends'))
  await settle(lanes)
}

/** Kernels without SysRq cannot be reset at once: then the starved watchdog does it, and the log says so. */
function openReset(log: Log): SysRq {
  try {
    return openSysRq()
  } catch (error) {
    log.warn({ err: error }, 'this node cannot reset itself at once; only its watchdog can')
    return {
      reboot: () => {
        throw error
      },
      [Symbol.dispose]: () => undefined,
    }
  }
}

interface Context {
  readonly parts: AgentParts
  readonly policy: Policy
  readonly board: Board
  readonly narrator: Narrator
  readonly inbox: Inbox<NodeEvent>
  readonly kube: Kube | undefined
  readonly commands: DrbdCommands
  readonly life: AbortSignal
}

function clusterLanes(context: Context): Pick<LanePorts, 'failover' | 'untaint'> {
  const { kube, parts, policy, board, narrator, inbox } = context
  const { clock, log, config } = parts
  if (kube === undefined) return { failover: undefined, untaint: undefined }
  return {
    failover: (order, signal) =>
      runFailover(
        {
          kube,
          clock,
          policy,
          log,
          post: event => inbox.post(event),
          tell: done => narrator.step(done),
          whyFallen: ({ node, bootId, proven }) => {
            const shown = board.read()
            if (shown === undefined) return 'nothing is known'
            return whyFallen(shown.state, policy, clock.mono(), node, bootId, proven)
          },
        },
        order,
        signal,
      ),
    untaint: async (value, signal) => {
      await untaint(kube, config.node, TAINT_LOST_QUORUM, value, signal)
      await seeOwnNode({ kube, node: config.node, post: event => inbox.post(event) }, signal)
    },
  }
}

function routesOf(
  { parts, policy, board, narrator }: Context,
  desk: ReturnType<typeof openFenceDesk>,
  latency: Latency,
): Routes {
  const { clock, config, version } = parts
  const frame = () => ({
    agentVersion: version,
    now: clock.mono(),
    wallAt: (at: number) => wallAt(clock, at),
  })
  return {
    'GET /v1/status': () => {
      const shown = board.read()
      if (shown === undefined) return { status: 503, body: { error: 'the agent is starting' } }
      return {
        status: 200,
        body: toStatus(shown.state, policy, { ...frame(), kernelEvents: latency.figures() }),
      }
    },
    'GET /v1/decisions': () => ({
      status: 200,
      body: { version: 1, node: config.node, decisions: narrator.list() },
    }),
    'GET /healthz': () => ({ status: board.read() === undefined ? 503 : 200, body: 'ok\n' }),
    'POST /v1/fence-peer': async (body, signal) => {
      const resource =
        typeof body === 'object' && body !== null && 'resource' in body ? body.resource : undefined
      if (resource === undefined) throw new AppError('ARGUMENT_INVALID', 'resource: missing')
      return { status: 200, body: await desk.ask(resource, signal) }
    },
  }
}

/** What comes from the cluster; each of them ends with the signal. */
function sourcesOf(context: Context, config: Config): readonly ((signal: AbortSignal) => Promise<void>)[] {
  const { kube, parts, policy, board, inbox } = context
  const { clock, log, version } = parts
  const post = (event: NodeEvent): void => inbox.post(event)
  const copy = openStateFile(config.stateDir, 'members.json')
  const report = () => {
    const shown = board.read()
    if (shown === undefined) return undefined
    const frame = {
      agentVersion: version,
      drbdVersion: undefined,
      now: clock.mono(),
      wallAt: (at: number) => wallAt(clock, at),
    }
    return toReport(shown.state, policy, frame)
  }
  return [
    signal =>
      learnMembers({ file: config.membersFile, kube, copy, lease: config.lease, clock, log, post }, signal),
    ...(kube === undefined
      ? []
      : [
          (signal: AbortSignal) => watchOwnNode({ kube, node: config.node, clock, log, post }, signal),
          (signal: AbortSignal) => keepReport({ kube, clock, log, report, post }, signal),
        ]),
  ]
}

/** Tasks beside the loop: one that breaks ends the agent, and its supervisor starts it anew. */
function background(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  log: Log,
  life: AbortController,
): AsyncDisposable {
  const running = tasks.map(task =>
    task(life.signal).catch(error => {
      if (life.signal.aborted) return
      log.error({ err: error }, 'a task of the agent broke')
      life.abort(error)
    }),
  )
  return {
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(running)
    },
  }
}

function resourceOf(board: Board, name: string) {
  const resources = board.read()?.state.drbd.resources.values() ?? []
  return [...resources].find(resource => resource.name === name)
}

function afterStop(stop: AbortSignal, ms: number): AbortSignal {
  const hurry = new AbortController()
  stop.addEventListener('abort', () => {
    setTimeout(() => hurry.abort(new Error('the clean stop took too long')), ms).unref()
  })
  return hurry.signal
}

async function settle(lanes: Lanes): Promise<void> {
  await Promise.race([lanes.settled(), new Promise(resolve => setTimeout(resolve, 1000).unref())])
}
