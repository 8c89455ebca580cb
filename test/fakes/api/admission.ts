/** What the admission plugins that are on by default do with new objects, and refuse. */
import { type Cause, invalid } from './fault-status.ts'
import { type Json, type KubeObject, listAt, textAt } from './json.ts'
import type { Resource } from './resources.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
/** What the plugin DefaultTolerationSeconds adds. */
const TOLERATED = [NOT_READY, 'node.kubernetes.io/unreachable']

function tolerations(pod: KubeObject): Json[] {
  const own = listAt(pod.spec, 'tolerations')
  const covers = (key: string): boolean =>
    own.some(
      each =>
        [key, undefined].includes(textAt(each, 'key')) &&
        ['NoExecute', undefined].includes(textAt(each, 'effect')),
    )
  const added = TOLERATED.filter(key => !covers(key)).map(key => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  }))
  return [...own, ...added]
}

function admitPod(pod: KubeObject): KubeObject {
  const account = textAt(pod.spec, 'serviceAccountName') ?? 'default'
  const added = {
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    serviceAccountName: account,
    serviceAccount: account,
  }
  return { ...pod, spec: { ...added, ...pod.spec, tolerations: tolerations(pod) } }
}

/** A new node is tainted until its controller has seen it Ready (plugin TaintNodesByCondition). */
function admitNode(node: KubeObject): KubeObject {
  const own = listAt(node.spec, 'taints')
  const isTainted = own.some(taint => textAt(taint, 'key') === NOT_READY)
  const taints = isTainted ? own : [...own, { key: NOT_READY, effect: 'NoSchedule' }]
  return { ...node, spec: { ...node.spec, taints } }
}

/** Fields that admission adds have no owner. */
export function admitNew(object: KubeObject): KubeObject {
  if (object.kind === 'Pod') return admitPod(object)
  return object.kind === 'Node' ? admitNode(object) : object
}

const EVENT_FIELDS = ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason', 'type']

/** An event of the newer group says who saw it, when, and what was done. */
export function checkEvent(resource: Resource, event: KubeObject): void {
  if (resource.group !== 'events.k8s.io') return
  const missing = EVENT_FIELDS.find(field => (textAt(event, field) ?? '') === '')
  if (missing === undefined) return
  throw invalid({ ...resource, group: '' }, event.metadata.name, [
    { reason: 'FieldValueRequired', message: 'Required value', field: missing },
  ])
}

/** The validation that a change of taints can fail. */
export function checkTaints(resource: Resource, node: KubeObject): void {
  if (resource.kind !== 'Node') return
  const seen = new Set<string>()
  const causes = listAt(node.spec, 'taints').flatMap((taint, i): Cause[] => {
    const [key, value = '', effect] = [textAt(taint, 'key'), textAt(taint, 'value'), textAt(taint, 'effect')]
    const id = `${key}:${effect}`
    if (!seen.has(id)) {
      seen.add(id)
      return []
    }
    const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: null })
    const message = `Duplicate value: ${shown}: taints must be unique by key and effect pair`
    return [{ reason: 'FieldValueDuplicate', message, field: `metadata.taints[${i}]` }]
  })
  if (causes.length > 0) throw invalid(resource, node.metadata.name, causes)
}
