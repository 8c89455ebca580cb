/** Where the stand-in scheduler puts pods. */
import t from 'tap'
import type { JsonObject, KubeObject } from '../api/json.ts'
import { preference, staysFor, whyNot } from './placement.ts'

const metadata = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' })

function node(name: string, spec: JsonObject = {}, ready = 'True'): KubeObject {
  const labels = { 'kubernetes.io/hostname': name, disk: name === 'n1' ? 'fast' : 'slow' }
  const status = { conditions: [{ type: 'Ready', status: ready }] }
  return { apiVersion: 'v1', kind: 'Node', metadata: { ...metadata(name), labels }, spec, status }
}

const pod = (spec: JsonObject = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata('p'),
  spec,
})
const onHost = (...values: string[]): JsonObject => ({
  matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }],
})
const volume = (...nodes: string[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: metadata('v'),
  spec: { nodeAffinity: { required: { nodeSelectorTerms: [onHost(...nodes)] } } },
})

t.test('a node refuses pods for a reason', async t => {
  const taints = [{ key: 'drbd.linbit.com/lost-quorum', effect: 'NoSchedule' }]
  t.equal(whyNot(pod(), node('n1'), []), undefined)
  t.equal(whyNot(pod(), node('n1', { taints }), []), 'node has an untolerated taint')
  t.equal(whyNot(pod({ tolerations: [{ operator: 'Exists' }] }), node('n1', { taints }), []), undefined)
  t.equal(
    whyNot(pod({ tolerations: [{ key: 'other', operator: 'Exists' }] }), node('n1', { taints }), []),
    'node has an untolerated taint',
  )
  t.equal(whyNot(pod(), node('n1', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] }), []), undefined)
  t.equal(whyNot(pod(), node('n1', {}, 'Unknown'), []), 'node is not ready')
  t.equal(whyNot(pod(), node('n1', { unschedulable: true }), []), 'node is unschedulable')
  t.equal(whyNot(pod({ nodeSelector: { disk: 'slow' } }), node('n1'), []), 'node does not match the selector')
})

t.test('volumes and required affinities bind a pod to nodes', async t => {
  t.equal(whyNot(pod(), node('n1'), [volume('n1', 'n2')]), undefined)
  t.equal(whyNot(pod(), node('n3'), [volume('n1', 'n2')]), 'node cannot reach a volume')
  const required = (term: JsonObject): JsonObject => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
    },
  })
  t.equal(whyNot(pod(required(onHost('n2'))), node('n1'), []), 'node does not match the affinity')
  t.equal(
    whyNot(
      pod(required({ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['slow'] }] })),
      node('n1'),
      [],
    ),
    undefined,
  )
  t.equal(
    whyNot(
      pod(required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] })),
      node('n1'),
      [],
    ),
    undefined,
  )
})

t.test('preferences add up', async t => {
  const preferred = [
    { weight: 100, preference: onHost('n1') },
    { weight: 5, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
  ]
  const wanting = pod({
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
  })
  t.same(
    [preference(wanting, node('n1')), preference(wanting, node('n2')), preference(pod(), node('n1'))],
    [105, 5, 0],
  )
})

t.test('how long a pod stays on a node with a NoExecute taint', async t => {
  const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }
  const tolerating = (...tolerations: JsonObject[]): KubeObject => pod({ tolerations })
  t.equal(staysFor(pod(), taint), 0)
  t.equal(staysFor(tolerating({ operator: 'Exists' }), taint), undefined)
  t.equal(
    staysFor(
      tolerating({ key: taint.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
      taint,
    ),
    300,
  )
})
