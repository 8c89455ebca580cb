/** The subresources of pods that are verbs of their own: binding and eviction. */
import type { Answer, Call, Served } from './call.ts'
import { type ApiFault, badRequest, conflict, tooManyRequests } from './fault-status.ts'
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
  served.store.put(tableOf(resource), keyOf(namespace, name), {
    ...pod,
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

/** Not tried again by itself when it says no; the budget's controller must catch up first. */
function refusal(budget: KubeObject): ApiFault {
  const { name, generation = 0 } = budget.metadata
  const number = (field: string): number => Number(at(budget, 'status', field) ?? 0)
  const isBehind = number('observedGeneration') < generation
  const message = isBehind
    ? `The disruption budget ${name} is still being processed by the server.`
    : `The disruption budget ${name} needs ${number('desiredHealthy')} healthy pods and has ${number('currentHealthy')} currently`
  const text = "Cannot evict pod as it would violate the pod's disruption budget."
  return tooManyRequests(text, isBehind ? 10 : 0, [{ reason: 'DisruptionBudget', message }])
}

export function handleEviction(served: Served, call: Call): Answer {
  const { resource, namespace, name = '' } = call.route
  const pod = getObject(served, resource, namespace, name)
  const budget = isTerminal(pod) ? undefined : refusingBudget(served, pod)
  if (budget !== undefined) throw refusal(budget)
  deleteObject(served, resource, pod, parseDeleteOptions(at(call.body, 'deleteOptions'), call.query))
  return CREATED
}
