/** Carries out the lease rule: holds a Lease while it can, and says from when to when we lead. */
import { z } from 'zod'
import type { Clock } from '#kit/clock.ts'
import { openDeadline } from './deadline.ts'
import { decideLease, holdsLease, type LeasePolicy, type LeaseSeen, type LeaseView } from './lease-rule.ts'
import { MetaSchema, readAs } from './object.ts'
import { type Api, isConflict } from './request.ts'

export interface LeaderConfig {
  readonly namespace: string
  readonly lease: string
  /** Different for each life of each replica. */
  readonly me: string
  readonly policy: LeasePolicy
}

export interface LeaderReport {
  leading(me: string): void
  lost(me: string): void
  following(holder: string): void
  failed(error: unknown): void
}

export interface LeaderPorts {
  readonly api: Api
  readonly clock: Clock
  readonly report: LeaderReport
}

const EARLY_MS = 10

const LeaseSchema = z.object({
  metadata: MetaSchema,
  spec: z
    .object({
      holderIdentity: z.string().default(''),
      leaseDurationSeconds: z.int().min(0).default(0),
      leaseTransitions: z.int().min(0).default(0),
      acquireTime: z.string().optional(),
    })
    .default({ holderIdentity: '', leaseDurationSeconds: 0, leaseTransitions: 0 }),
})

/**
 * Runs `lead` while the Lease is ours; its signal ends at the latest when the Lease does, and it is waited for. Losing the
 * Lease is not a fault: we stand by again. When `signal` ends, the Lease is given back after `lead` has ended.
 */
export async function runLeader(
  config: LeaderConfig,
  ports: LeaderPorts,
  lead: (holds: () => boolean, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, report } = ports
  const { me, policy } = config
  let view: LeaseView = { me, seen: undefined, seenAt: clock.mono(), renewedAt: undefined }
  const holds = (): boolean => holdsLease(view, policy, clock.mono())
  let told = ''

  while (!signal.aborted) {
    view = await step(config, ports, view, signal).catch(error => {
      if (!signal.aborted) report.failed(error)
      return view
    })
    if (holds()) {
      told = ''
      report.leading(me)
      view = await leadWhileHeld(view)
      report.lost(me)
    } else if (view.seen !== undefined && view.seen.holder !== told) {
      told = view.seen.holder
      report.following(told)
    }
    await clock.sleep(policy.everyMs, signal).catch(() => undefined)
  }

  async function leadWhileHeld(from: LeaseView): Promise<LeaseView> {
    view = from
    const own = new AbortController()
    const led = lead(holds, AbortSignal.any([signal, own.signal])).finally(() => own.abort())
    // It is awaited below; until then its failure must not count as unheard.
    led.catch(() => undefined)
    await keepLease(own.signal)
    own.abort(new Error('the lease is over'))
    try {
      await led
    } finally {
      await giveBack(config, ports, view)
    }
    return { ...view, renewedAt: undefined }
  }

  /** Renews until the lease, the process or the work is over. */
  async function keepLease(workEnded: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, workEnded])
    // Timers are late, never early: the work is told a moment before the Lease is over.
    const leftMs = (): number => (view.renewedAt ?? 0) + policy.holdMs - EARLY_MS - clock.mono()
    for (;;) {
      await clock.sleep(Math.max(0, Math.min(policy.everyMs, leftMs())), stop).catch(() => undefined)
      if (stop.aborted || view.renewedAt === undefined || leftMs() <= 0) return
      // A request in flight must not keep the end of the Lease from being noticed.
      using within = openDeadline(stop, Math.ceil(leftMs()))
      view = await step(config, ports, view, within.signal).catch(error => {
        if (!stop.aborted) report.failed(error)
        return view
      })
    }
  }
}

/** One look at the Lease and what the rule wants of it; the view afterwards. */
async function step(
  config: LeaderConfig,
  ports: LeaderPorts,
  view: LeaseView,
  signal: AbortSignal,
): Promise<LeaseView> {
  const { api, clock } = ports
  const path = leasePath(config)
  const deadlineMs = config.policy.everyMs
  // Who holds it knows its version and writes at once: a conflict would tell.
  const known = view.renewedAt !== undefined && view.seen?.holder === view.me
  const looked = known
    ? view
    : look(view, readLease(await api.find({ method: 'GET', path, deadlineMs, signal })), clock.mono())
  const sentAt = clock.mono()
  const verdict = decideLease(looked, config.policy, sentAt)
  if (verdict.kind === 'wait') return { ...looked, renewedAt: undefined }
  const body = leaseObject(config, looked.seen, verdict.kind === 'create' ? 0 : verdict.transitions, ports)
  try {
    const answer =
      verdict.kind === 'create'
        ? await api.call({
            method: 'POST',
            path: path.slice(0, path.lastIndexOf('/')),
            body,
            deadlineMs,
            signal,
          })
        : await api.call({ method: 'PUT', path, body, deadlineMs, signal })
    return { ...look(looked, readLease(answer), clock.mono()), renewedAt: sentAt }
  } catch (error) {
    if (!isConflict(error)) throw error
    // Somebody wrote it: look who. What we hold runs on until its end, or until that look says that it is another's.
    const seen = readLease(await api.find({ method: 'GET', path, deadlineMs, signal }))
    const after = look(looked, seen, clock.mono())
    return seen?.holder === view.me ? after : { ...after, renewedAt: undefined }
  }
}

/** The same version again keeps its first time. */
function look(view: LeaseView, seen: LeaseSeen | undefined, now: number): LeaseView {
  if (seen !== undefined && seen.version === view.seen?.version) return view
  return { ...view, seen, seenAt: now }
}

/** Best effort: whoever stands by need not wait for the whole duration. */
async function giveBack(config: LeaderConfig, ports: LeaderPorts, view: LeaseView): Promise<void> {
  if (view.seen?.holder !== config.me) return
  const body = leaseObject({ ...config, me: '' }, view.seen, view.seen.transitions, ports)
  await ports.api
    .call({
      method: 'PUT',
      path: leasePath(config),
      body,
      deadlineMs: 2_000,
      signal: new AbortController().signal,
    })
    .catch(ports.report.failed)
}

function leasePath(config: LeaderConfig): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${config.namespace}/leases/${config.lease}`
}

function leaseObject(
  config: LeaderConfig,
  seen: LeaseSeen | undefined,
  transitions: number,
  ports: LeaderPorts,
): unknown {
  // Micro time, for people and other clients; the rule does not read it.
  const now = ports.clock.wall().toISOString().replace('Z', '000Z')
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: config.lease,
      namespace: config.namespace,
      // A write on a version that is no longer the newest is a conflict: of two that take, one wins.
      ...(seen === undefined ? {} : { resourceVersion: seen.version }),
    },
    spec: {
      holderIdentity: config.me,
      leaseDurationSeconds: Math.ceil(config.policy.durationMs / 1000),
      leaseTransitions: transitions,
      renewTime: now,
      acquireTime: seen?.holder === config.me ? (seen.acquireTime ?? now) : now,
    },
  }
}

function readLease(raw: unknown): LeaseSeen | undefined {
  if (raw === undefined) return undefined
  const { metadata, spec } = readAs(LeaseSchema, raw, 'the Lease could not be read')
  return {
    version: metadata.resourceVersion,
    holder: spec.holderIdentity,
    durationMs: spec.leaseDurationSeconds * 1000,
    transitions: spec.leaseTransitions,
    acquireTime: spec.acquireTime,
  }
}
