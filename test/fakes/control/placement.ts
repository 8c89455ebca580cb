/** Where a pod may run, and where it would rather: taints, affinities, the place of its volumes. Pure. */
import { at, isObject, type Json, type KubeObject, listAt, textAt } from '../api/json.ts'
import { conditionOf } from './pod-volumes.ts'

function tolerates(toleration: Json, taint: Json): boolean {
  const key = textAt(toleration, 'key')
  const effect = textAt(toleration, 'effect')
  const isKey =
    key === undefined || key === ''
      ? textAt(toleration, 'operator') === 'Exists'
      : key === textAt(taint, 'key')
  const isEffect = effect === undefined || effect === '' || effect === textAt(taint, 'effect')
  const isValue =
    textAt(toleration, 'operator') === 'Exists' ||
    (textAt(toleration, 'value') ?? '') === (textAt(taint, 'value') ?? '')
  return isKey && isEffect && isValue
}

/** Taints with one of these effects that the pod does not tolerate. */
export function untolerated(pod: KubeObject, node: KubeObject, effects: readonly string[]): Json[] {
  const tolerations = listAt(pod, 'spec', 'tolerations')
  return listAt(node, 'spec', 'taints').filter(
    taint =>
      effects.includes(textAt(taint, 'effect') ?? '') && !tolerations.some(each => tolerates(each, taint)),
  )
}

/** Of the taint, for how many seconds a pod may stay: undefined = for ever, 0 = not at all. */
export function staysFor(pod: KubeObject, taint: Json): number | undefined {
  const seconds = listAt(pod, 'spec', 'tolerations')
    .filter(each => tolerates(each, taint))
    .map(each => at(each, 'tolerationSeconds'))
  if (seconds.length === 0) return 0
  const limits = seconds.filter(each => typeof each === 'number')
  return limits.length === 0 ? undefined : Math.max(0, Math.min(...limits))
}

function fitsExpression(node: KubeObject, expression: Json, isField: boolean): boolean {
  const key = textAt(expression, 'key') ?? ''
  const seen = isField
    ? key === 'metadata.name'
      ? node.metadata.name
      : undefined
    : node.metadata.labels?.[key]
  const values = listAt(expression, 'values').map(String)
  switch (textAt(expression, 'operator')) {
    case 'In':
      return seen !== undefined && values.includes(seen)
    case 'NotIn':
      return seen === undefined || !values.includes(seen)
    case 'Exists':
      return seen !== undefined
    case 'DoesNotExist':
      return seen === undefined
    case 'Gt':
      return Number(seen) > Number(values[0])
    case 'Lt':
      return Number(seen) < Number(values[0])
    default:
      return false
  }
}

function fitsTerm(node: KubeObject, term: Json | undefined): boolean {
  const expressions = listAt(term, 'matchExpressions')
  const fields = listAt(term, 'matchFields')
  if (expressions.length + fields.length === 0) return false
  return (
    expressions.every(each => fitsExpression(node, each, false)) &&
    fields.every(each => fitsExpression(node, each, true))
  )
}

function fitsTerms(node: KubeObject, terms: readonly Json[]): boolean {
  return terms.length === 0 || terms.some(term => fitsTerm(node, term))
}

/** The reason why not; undefined where the pod may run. */
export function whyNot(
  pod: KubeObject,
  node: KubeObject,
  volumes: readonly KubeObject[],
): string | undefined {
  if (at(node, 'spec', 'unschedulable') === true) return 'node is unschedulable'
  if (conditionOf(node, 'Ready') !== 'True') return 'node is not ready'
  if (untolerated(pod, node, ['NoSchedule', 'NoExecute']).length > 0) return 'node has an untolerated taint'
  const selector = at(pod, 'spec', 'nodeSelector')
  const labels = node.metadata.labels ?? {}
  if (isObject(selector) && Object.entries(selector).some(([key, value]) => labels[key] !== value))
    return 'node does not match the selector'
  const required = [
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  ]
  if (!fitsTerms(node, listAt(pod, ...required))) return 'node does not match the affinity'
  const elsewhere = volumes.some(
    volume => !fitsTerms(node, listAt(volume, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms')),
  )
  return elsewhere ? 'node cannot reach a volume' : undefined
}

/** The sum of the weights of the preferences that the node meets. */
export function preference(pod: KubeObject, node: KubeObject): number {
  return listAt(pod, 'spec', 'affinity', 'nodeAffinity', 'preferredDuringSchedulingIgnoredDuringExecution')
    .filter(each => fitsTerm(node, at(each, 'preference')))
    .reduce<number>((sum, each) => sum + Number(at(each, 'weight') ?? 0), 0)
}
