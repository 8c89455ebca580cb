/** JSON patch, merge patch and strategic merge patch. */
import type { Test } from 'tap'
import { type ContractClient, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from '../client.ts'
import { CONFIGMAPS, fresh } from '../names.ts'

const REJECTED = {
  code: 422,
  body: { reason: 'Invalid', message: 'the server rejected our request due to an error in our request' },
}

async function configMap(api: ContractClient, data: object): Promise<{ path: string; version: string }> {
  const name = fresh('patch')
  const { body } = await api.post(CONFIGMAPS, { metadata: { name, labels: { a: '1', b: '2' } }, data })
  return { path: `${CONFIGMAPS}/${name}`, version: body.metadata.resourceVersion }
}

export function patchCases(t: Test, api: ContractClient): void {
  t.test('JSON patch applies all of its operations', async t => {
    const { path } = await configMap(api, { k: '1', gone: 'x' })
    const patch = [
      { op: 'test', path: '/data/k', value: '1' },
      { op: 'replace', path: '/data/k', value: '2' },
      { op: 'remove', path: '/data/gone' },
      { op: 'add', path: '/metadata/labels/c~1d', value: '3' },
      { op: 'copy', from: '/data/k', path: '/data/copy' },
      { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/moved' },
    ]
    const { code, body } = await api.patch(path, patch, JSON_PATCH)
    t.equal(code, 200)
    t.same(body.data, { k: '2', copy: '2' })
    t.same(body.metadata.labels, { b: '2', 'c/d': '3', moved: '1' })
  })

  t.test('a JSON patch that does not fit is 422, and nothing of it happens', async t => {
    const { path, version } = await configMap(api, { k: '1' })
    const wrong = [
      [
        { op: 'add', path: '/data/x', value: 'y' },
        { op: 'test', path: '/data/k', value: 'other' },
      ],
      [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }],
      [{ op: 'remove', path: '/data/absent' }],
      [{ op: 'add', path: '/none/x', value: '1' }],
    ]
    for (const patch of wrong)
      t.match(await api.patch(path, patch, JSON_PATCH), REJECTED, JSON.stringify(patch))
    t.equal((await api.get(path)).body.metadata.resourceVersion, version)
  })

  t.test('a test for the current version holds, one for null holds of what is absent', async t => {
    const { path, version } = await configMap(api, { k: '1' })
    const patch = [
      { op: 'test', path: '/metadata/resourceVersion', value: version },
      { op: 'test', path: '/data/absent', value: null },
      { op: 'replace', path: '/data/new', value: '2' },
    ]
    // replace of an absent key adds it: RFC 6902 says otherwise, the API server does not.
    t.match(await api.patch(path, patch, JSON_PATCH), { code: 200, body: { data: { k: '1', new: '2' } } })
  })

  t.test('merge patch merges maps and removes with null', async t => {
    const { path } = await configMap(api, { k: '1', l: '1' })
    const { body } = await api.patch(
      path,
      { data: { k: null, m: '2' }, metadata: { labels: null } },
      MERGE_PATCH,
    )
    t.same(body.data, { l: '1', m: '2' })
    t.equal(body.metadata.labels, undefined)
  })

  t.test('a merge patch with another version is 409', async t => {
    const { path } = await configMap(api, { k: '1' })
    const patch = { metadata: { resourceVersion: '3' }, data: { k: '2' } }
    t.match(await api.patch(path, patch, MERGE_PATCH), {
      code: 409,
      body: { reason: 'Conflict', message: /the object has been modified/ },
    })
  })

  t.test('strategic merge patch merges lists by their key', async t => {
    const name = fresh('node')
    const status = {
      conditions: [
        { type: 'A', status: 'True' },
        { type: 'B', status: 'True' },
      ],
    }
    await api.post('/api/v1/nodes', { metadata: { name }, status })
    const path = `/api/v1/nodes/${name}`
    const patched = await api.patch(
      `${path}/status`,
      {
        status: {
          conditions: [
            { type: 'B', status: 'False' },
            { type: 'C', status: 'True' },
          ],
        },
      },
      STRATEGIC_PATCH,
    )
    const found = patched.body.status.conditions.map(
      (each: { type: string; status: string }) => `${each.type}=${each.status}`,
    )
    t.same(found.sort(), ['A=True', 'B=False', 'C=True'])
    const dropped = await api.patch(
      `${path}/status`,
      { status: { conditions: [{ type: 'A', $patch: 'delete' }] } },
      STRATEGIC_PATCH,
    )
    t.same(dropped.body.status.conditions.map((each: { type: string }) => each.type).sort(), ['B', 'C'])
    // Taints have no merge key.
    const taints = [{ key: 'only', effect: 'NoSchedule' }]
    t.same((await api.patch(path, { spec: { taints } }, STRATEGIC_PATCH)).body.spec.taints, taints)
    await api.delete(path)
  })

  t.test('strategic merge patch adds to and takes from a set', async t => {
    const { path } = await configMap(api, {})
    const finalizers = async (metadata: object): Promise<string[]> =>
      (await api.patch(path, { metadata }, STRATEGIC_PATCH)).body.metadata.finalizers ?? []
    t.same(await finalizers({ finalizers: ['h.io/a'] }), ['h.io/a'])
    t.same((await finalizers({ finalizers: ['h.io/b'] })).sort(), ['h.io/a', 'h.io/b'])
    t.same(await finalizers({ '$deleteFromPrimitiveList/finalizers': ['h.io/a'] }), ['h.io/b'])
    await finalizers({ finalizers: null })
  })

  t.test('an unknown kind of patch is 415', async t => {
    const { path } = await configMap(api, {})
    t.match(await api.patch(path, {}, 'application/other'), {
      code: 415,
      body: { reason: 'UnsupportedMediaType' },
    })
  })
}
