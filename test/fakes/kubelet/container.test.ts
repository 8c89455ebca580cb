/** What a container is started with. */
import t from 'tap'
import type { KubeObject } from '../api/json.ts'
import { commandOf, environmentOf, restarts } from './container.ts'

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u-1', resourceVersion: '1', creationTimestamp: '' },
  spec: { nodeName: 'n2' },
}

t.test('the command, or else Node with the arguments', async t => {
  t.same(commandOf({ args: ['/lab/writer.mjs', 'x'] }), ['node', '/lab/writer.mjs', 'x'])
  t.same(commandOf({ command: ['sh', '-c'], args: ['true'] }), ['sh', '-c', 'true'])
})

t.test('references to the environment in arguments are filled in', async t => {
  const container = {
    args: ['$(NODE_NAME)', '$(NONE)', '$$(NODE_NAME)'],
    env: [{ name: 'NODE_NAME', value: 'n2' }],
  }
  t.same(commandOf(container, environmentOf(pod, container)), ['node', 'n2', '$(NONE)', '$(NODE_NAME)'])
})

t.test('values and fields of the pod become the environment', async t => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  const env = [
    { name: 'A', value: '1' },
    field('NODE_NAME', 'spec.nodeName'),
    field('POD_UID', 'metadata.uid'),
    { name: 'SECRET', valueFrom: { secretKeyRef: {} } },
  ]
  t.same(environmentOf(pod, { env }), { A: '1', NODE_NAME: 'n2', POD_UID: 'u-1', SECRET: '' })
})

t.test('a pod is restarted unless it says otherwise', async t => {
  t.equal(restarts(pod), true)
  t.equal(restarts({ ...pod, spec: { restartPolicy: 'Never' } }), false)
})
