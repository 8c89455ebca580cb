/** Carries out the failover of one lost node: read the facts, plan, and step by step, with a last look before each write. */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import type { Clock } from '#kit/clock.ts'
import { AppError, sayError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import { type PodPlan, planPods, type Step } from '../decide/pod-plan.ts'
import type { Policy } from '../decide/policy.ts'
import { readPodFacts } from '../kube/facts.ts'
import type { Kube } from '../kube/request.ts'
import { carryOut, stripWhenStuck } from '../kube/steps.ts'
import type { FailoverEvent } from '../state/failover.ts'

export interface FailoverOrder {
  readonly node: NodeName
  readonly bootId: BootId
  readonly proven: readonly ResourceName[]
}

/** A step that was carried out, for the log of decisions that people read. */
export interface StepDone {
  readonly order: FailoverOrder
  readonly step:
    | Step
    | {
        readonly kind: 'keep-pod'
        readonly namespace: string
        readonly name: string
        readonly because: string
      }
  readonly result: string
}

export interface FailoverPorts {
  readonly kube: Kube
  readonly clock: Clock
  readonly policy: Policy
  readonly log: Log
  /** Undefined: the verdict stands. */
  readonly whyFallen: (order: FailoverOrder) => string | undefined
  readonly post: (event: FailoverEvent) => void
  readonly tell: (done: StepDone) => void
}

const WHOLE_MS = 60_000
/** The facts moved under the plan: read and plan again, this often at most. */
const TRIES = 3
const PODS_AT_ONCE = 8

/** Never throws: how it went is an event. */
export async function runFailover(
  ports: FailoverPorts,
  order: FailoverOrder,
  signal: AbortSignal,
): Promise<void> {
  const { node, bootId, proven } = order
  ports.post({ kind: 'failover-began', node, bootId, at: ports.clock.mono() })
  let error: string | undefined
  try {
    const whole = AbortSignal.any([signal, AbortSignal.timeout(WHOLE_MS)])
    await planAndAct(ports, order, whole)
  } catch (cause) {
    error = sayError(cause).slice(0, 500)
    ports.log.warn({ node, err: cause }, 'a failover could not be carried out yet')
  }
  ports.post({ kind: 'failover-ended', node, bootId, at: ports.clock.mono(), error, handled: proven })
}

async function planAndAct(ports: FailoverPorts, order: FailoverOrder, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const facts = await readPodFacts(ports.kube, order.node, signal)
    const plan = planPods(facts, {
      node: order.node,
      bootId: order.bootId,
      proven: new Set(order.proven),
      unsafePods: ports.policy.failOverUnsafePods,
      stripAfterMs: ports.policy.stripAfterMs,
    })
    try {
      await act(ports, order, plan, signal)
      return
    } catch (error) {
      const moved = error instanceof AppError && error.code === 'API_CONFLICT'
      if (!moved || attempt >= TRIES) throw error
    }
  }
}

async function act(
  ports: FailoverPorts,
  order: FailoverOrder,
  plan: PodPlan,
  signal: AbortSignal,
): Promise<void> {
  for (const { namespace, name, because } of plan.kept)
    ports.tell({ order, step: { kind: 'keep-pod', namespace, name, because }, result: 'kept' })
  const once = plan.steps.filter(({ kind }) => kind === 'taint' || kind === 'release')
  const attachments = plan.steps.filter(step => step.kind === 'delete-attachment')
  const pods = plan.steps.filter(({ kind }) => kind === 'delete-pod')
  for (const step of once) await one(ports, order, step, signal)
  await inGroups(attachments, step => one(ports, order, step, signal))
  await inGroups(pods, step => one(ports, order, step, signal))
  await inGroups(attachments, async ({ name, uid, stripAfterMs }) => {
    const fallen = ports.whyFallen(order)
    if (fallen !== undefined) return
    await stripWhenStuck(ports.kube, ports.clock, { name, uid, afterMs: stripAfterMs }, signal)
  })
}

async function one(
  ports: FailoverPorts,
  order: FailoverOrder,
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  const fallen = ports.whyFallen(order)
  // Not an error of the API: the proof is gone, so the rest must not happen, and nothing is tried again for it.
  if (fallen !== undefined)
    throw new AppError('API_CONFLICT', 'the verdict no longer stands', { because: fallen })
  const result = await carryOut(ports.kube, step, signal)
  ports.tell({ order, step, result })
}

/** One group after the other; the first error ends it after its group. */
async function inGroups<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += PODS_AT_ONCE) {
    const results = await Promise.allSettled(items.slice(at, at + PODS_AT_ONCE).map(run))
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}
