/** One step of a failover as API calls: conditional on what was read, harmless when repeated, "not found" is success. */
import type { Clock } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import type { Step } from '../decide/pod-plan.ts'
import { AttachmentObject, NodeObject } from './objects.ts'
import { readOne, refusal } from './read.ts'
import type { Kube, KubeCall } from './request.ts'

/** What a step did: `gone` when there was nothing left to do. */
export type StepResult = 'done' | 'gone'

/** Throws AppError API_CONFLICT when the object is not the one that was read: then the facts are read again. */
export async function carryOut(kube: Kube, step: Step, signal: AbortSignal): Promise<StepResult> {
  switch (step.kind) {
    case 'taint':
      return await patch(
        kube,
        `/api/v1/nodes/${step.node}`,
        [
          { op: 'test', path: '/metadata/resourceVersion', value: step.resourceVersion },
          { op: 'add', path: '/spec/taints', value: step.taints },
        ],
        signal,
      )
    case 'release':
      return await release(kube, step.node, step.inUse, signal)
    case 'delete-attachment':
      return await remove(kube, attachmentPath(step.name), { preconditions: { uid: step.uid } }, signal)
    case 'delete-pod':
      return await remove(
        kube,
        `/api/v1/namespaces/${step.namespace}/pods/${step.name}`,
        { gracePeriodSeconds: 0, preconditions: { uid: step.uid } },
        signal,
      )
    default:
      return unreachable(step)
  }
}

/** An attachment whose detaching hangs (its node is dead) loses its finalizers after `afterMs`; ends when it is gone. */
export async function stripWhenStuck(
  kube: Kube,
  clock: Clock,
  attachment: { readonly name: string; readonly uid: string; readonly afterMs: number },
  signal: AbortSignal,
): Promise<StepResult> {
  const until = clock.mono() + attachment.afterMs
  for (;;) {
    const found = await readOne(kube, attachmentPath(attachment.name), AttachmentObject, signal)
    if (found === undefined || found.metadata.uid !== attachment.uid) return 'gone'
    if (clock.mono() >= until) break
    await clock.sleep(200, signal)
  }
  return await patch(
    kube,
    attachmentPath(attachment.name),
    [
      { op: 'test', path: '/metadata/uid', value: attachment.uid },
      { op: 'add', path: '/metadata/finalizers', value: [] },
    ],
    signal,
  )
}

/** Takes a taint of ours with this value off a node. */
export async function untaint(
  kube: Kube,
  node: string,
  key: string,
  value: string,
  signal: AbortSignal,
): Promise<StepResult> {
  const found = await readOne(kube, `/api/v1/nodes/${node}`, NodeObject, signal)
  const taints = found?.spec?.taints ?? []
  const kept = taints.filter(taint => taint.key !== key || taint.value !== value)
  if (found === undefined || kept.length === taints.length) return 'gone'
  return await patch(
    kube,
    `/api/v1/nodes/${node}`,
    [
      { op: 'test', path: '/metadata/resourceVersion', value: found.metadata.resourceVersion },
      { op: 'replace', path: '/spec/taints', value: kept },
    ],
    signal,
  )
}

/** The list as it is now, without ours: the kubelet of a dead node does not write it, but other agents do. */
async function release(
  kube: Kube,
  node: string,
  inUse: readonly string[],
  signal: AbortSignal,
): Promise<StepResult> {
  const found = await readOne(kube, `/api/v1/nodes/${node}`, NodeObject, signal)
  const listed = found?.status?.volumesInUse ?? []
  const kept = listed.filter(name => !inUse.includes(name))
  if (found === undefined || kept.length === listed.length) return 'gone'
  return await patch(
    kube,
    `/api/v1/nodes/${node}/status`,
    [
      { op: 'test', path: '/status/volumesInUse', value: listed },
      { op: 'replace', path: '/status/volumesInUse', value: kept },
    ],
    signal,
  )
}

function attachmentPath(name: string): string {
  return `/apis/storage.k8s.io/v1/volumeattachments/${name}`
}

async function patch(kube: Kube, path: string, body: unknown, signal: AbortSignal): Promise<StepResult> {
  return await send(kube, { method: 'PATCH', path, body, patch: 'application/json-patch+json' }, signal)
}

async function remove(
  kube: Kube,
  path: string,
  options: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<StepResult> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options }
  return await send(kube, { method: 'DELETE', path, body }, signal)
}

async function send(kube: Kube, call: KubeCall, signal: AbortSignal): Promise<StepResult> {
  const answer = await kube.call(call, signal)
  if (answer.status === 404) return 'gone'
  if (answer.status >= 300) throw refusal(call.method, call.path, answer)
  return 'done'
}
