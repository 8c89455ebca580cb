/** The subresources of pods that are verbs of their own: binding and eviction. */
import type { Answer, Call, Served } from './call.ts'
import { badRequest, conflict, tooManyRequests } from './fault-status.ts'
import { at, isObject, type JsonObject, type KubeObject, listAt, textAt, timestamp } from './json.ts'
import { getObject } from './read.ts'
import { deleteObject, parseDeleteOptions } from './remove.ts'
import { tableOf } from './resources.ts'
import { keyOf } from './store.ts'

const CREATED: Answer = {
  code: 201,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
}

export function handleBinding(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  const pod = getObject(served, resource, namespace, name)
  const node = textAt(call.body, 'target', 'name')
  if (node === undefined) throw badRequest('Binding "" is invalid: target.name: Required value')
  const podsBinding = { ...resource, plural: 'pods/binding' }
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw conflict(podsBinding, name, `pod ${name} is being deleted, cannot be assigned to a host`)
  }
  const bound = textAt(pod, 'spec', 'nodeName')
  if (bound !== undefined)
    throw conflict(podsBinding, name, `pod ${name} is already assigned to node "${bound}"`)
  const scheduled: JsonObject = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(),
  }
  const conditions = [
    ...listAt(pod, 'status', 'conditions').filter(each => textAt(each, 'type') !== 'PodScheduled'),
    scheduled,
  ]
  const generation = (pod.metadata.generation ?? 0) + 1
  const metadata = { ...pod.metadata, generation }
  served.store.put(tableOf(resource), keyOf(namespace, name), {
    ...pod,
    metadata,
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, conditions },
  })
  return CREATED
}

function selects(selector: unknown, pod: KubeObject): boolean {
  const labels = at(selector, 'matchLabels')
  return (
    isObject(labels) && Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value)
  )
}

/** The budgets that say no: none of their pods may be taken now. */
function refusingBudget(served: Served, pod: KubeObject): KubeObject | undefined {
  const budgets = served.store.list('policy/poddisruptionbudgets')
  return budgets
    .map(([, budget]) => budget)
    .filter(
      budget =>
        budget.metadata.namespace === pod.metadata.namespace && selects(at(budget, 'spec', 'selector'), pod),
    )
    .find(budget => Number(at(budget, 'status', 'disruptionsAllowed') ?? 0) <= 0)
}

function isTerminal(pod: KubeObject): boolean {
  const phase = textAt(pod, 'status', 'phase')
  return (
    phase === 'Succeeded' ||
    phase === 'Failed' ||
    phase === 'Pending' ||
    pod.metadata.deletionTimestamp !== undefined
  )
}

export function handleEviction(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  const pod = getObject(served, resource, namespace, name)
  const budget = isTerminal(pod) ? undefined : refusingBudget(served, pod)
  if (budget !== undefined) {
    const message = `The disruption budget ${budget.metadata.name} needs ${Number(at(budget, 'status', 'desiredHealthy') ?? 0)} healthy pods and has ${Number(at(budget, 'status', 'currentHealthy') ?? 0)} currently`
    throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0, [
      { reason: 'DisruptionBudget', message },
    ])
  }
  deleteObject(served, resource, pod, parseDeleteOptions(at(call.body, 'deleteOptions'), call.query))
  return CREATED
}
