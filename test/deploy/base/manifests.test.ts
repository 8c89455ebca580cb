/** The manifests say the same names as the programs; that the API server takes them is tested with the real one. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import {
  FIELD_MANAGER_COORDINATOR,
  KEY_SECRET,
  LEASE_NAME,
  MEMBERS_CONFIGMAP,
  NAMESPACE,
  SOCKET_PATH,
  STATE_DIR,
} from '#protocol/names.ts'
import { parseConfig } from '../../../coordinator/config.ts'
import { wantedCrds } from '../../../coordinator/model/crd-plan.ts'
import { APP } from '../../../deploy/images/layers.ts'
import { AGENT_IMAGE, COORDINATOR_IMAGE } from '../../../deploy/images/product.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (name: string): string => readFileSync(join(ROOT, 'deploy/base', name), 'utf8')
const version: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version

t.test('images: names and the version of this repository', async t => {
  t.match(read('agent.yaml'), `image: ${AGENT_IMAGE}:${version}\n`)
  t.match(read('coordinator.yaml'), `image: ${COORDINATOR_IMAGE}:${version}\n`)
  for (const image of [AGENT_IMAGE, COORDINATOR_IMAGE])
    t.match(read('kustomization.yaml'), `- name: ${image}\n  newTag: ${version}\n`)
})

t.test('paths and names of the agent', async t => {
  const agent = read('agent.yaml')
  t.match(agent, `command: [/bin/sh, /${APP}/run-agent]`)
  t.match(agent, `mountPath: ${dirname(SOCKET_PATH)}\n`)
  t.match(agent, `path: ${dirname(SOCKET_PATH)}\n`)
  t.match(agent, `mountPath: ${STATE_DIR}\n`)
  t.match(agent, `path: ${STATE_DIR}\n`)
  t.match(agent, `secretName: ${KEY_SECRET}\n`)
  t.match(read('agent-rbac.yaml'), `resourceNames: [${MEMBERS_CONFIGMAP}]`)
})

t.test('names and the port of the coordinator', async t => {
  const rights = read('coordinator-rbac.yaml')
  t.match(rights, `resourceNames: [${LEASE_NAME}]`)
  t.match(rights, `resourceNames: [${MEMBERS_CONFIGMAP}]`)
  t.match(
    rights,
    `resourceNames: [${wantedCrds()
      .map(crd => crd.metadata.name)
      .join(', ')}]`,
  )
  t.match(rights, `name: ${FIELD_MANAGER_COORDINATOR}\n`)
  const config = parseConfig([], { KUBERNETES_SERVICE_HOST: '10.0.0.1' })
  t.match(read('coordinator.yaml'), `containerPort: ${config === 'help' ? '' : config.listen.port}\n`)
})

t.test(
  'everything is in one namespace, but for the events of cluster-scoped objects; no key is in these files',
  async t => {
    for (const name of ['agent.yaml', 'coordinator.yaml', 'agent-rbac.yaml', 'coordinator-rbac.yaml']) {
      const others = [...read(name).matchAll(/namespace: (\S+)/g)]
        .map(([, namespace]) => namespace)
        .filter(one => one !== NAMESPACE)
      t.same([...new Set(others)], name === 'coordinator-rbac.yaml' ? ['default'] : [], name)
      t.notMatch(read(name), /kind: Secret\b/, name)
    }
  },
)
