/** The server itself: health, version, discovery, who may in. */
import type { Test } from 'tap'
import type { ContractClient } from '../client.ts'

export function serverCases(t: Test, api: ContractClient): void {
  t.test('health is plain text', async t => {
    for (const path of ['/healthz', '/readyz', '/livez']) {
      const reply = await api.get(path)
      t.equal(reply.code, 200, path)
      t.equal(reply.body, 'ok', path)
    }
  })

  t.test('the version is that of a 1.34', async t => {
    const { body } = await api.get('/version')
    t.equal(`${body.major}.${body.minor}`, '1.34')
    t.match(body.gitVersion, /^v1\.34\./)
  })

  t.test('discovery names resources with their verbs and subresources', async t => {
    const core = (await api.get('/api/v1')).body
    t.equal(core.kind, 'APIResourceList')
    const named = (name: string) => core.resources.find((each: { name: string }) => each.name === name)
    t.match(named('pods'), { kind: 'Pod', namespaced: true })
    t.ok(named('pods').verbs.includes('deletecollection'))
    t.match(named('pods/eviction'), { group: 'policy', version: 'v1', kind: 'Eviction' })
    t.match(named('nodes/status'), { kind: 'Node', namespaced: false })
    const groups = (await api.get('/apis')).body.groups.map((group: { name: string }) => group.name)
    for (const group of ['apps', 'storage.k8s.io', 'coordination.k8s.io', 'policy'])
      t.ok(groups.includes(group), group)
  })

  t.test('what is not served is not found', async t => {
    t.match(await api.get('/api/v1/namespaces/default/nosuch'), {
      code: 404,
      body: {
        kind: 'Status',
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      },
    })
    for (const path of ['/apis/nosuch.io/v1/foos', '/apis/nosuch.io/v1', '/nosuch']) {
      const reply = await api.get(path)
      t.equal(reply.code, 404, path)
      t.match(reply.body, /^404 page not found/, path)
    }
  })

  t.test('an unknown token is 401', async t => {
    const reply = await api.call('GET', '/api/v1/nodes', undefined, 'application/json', 'not-a-token')
    t.match(reply, { code: 401, body: { reason: 'Unauthorized', message: 'Unauthorized', code: 401 } })
  })

  t.test('what the path cannot do is 405', async t => {
    const reply = await api.post('/api/v1/configmaps', { metadata: { name: 'x' } })
    t.match(reply, { code: 405, body: { reason: 'MethodNotAllowed' } })
  })
}
