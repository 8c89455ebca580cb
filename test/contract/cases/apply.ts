/** Server-side apply: ownership, conflicts, force, fields that are no longer applied. */
import type { Test } from 'tap'
import { APPLY_PATCH, type Body, type ContractClient, MERGE_PATCH } from '../client.ts'
import { CONFIGMAPS, fresh, NODES } from '../names.ts'

const configMap = (name: string, data: object | undefined, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  ...(data === undefined ? {} : { data }),
})

/** Leaves of a FieldsV1 tree; a dot, the container itself, is of no account here. */
function leaves(node: Body, path = ''): string[] {
  const keys = Object.keys(node).filter(key => key !== '.')
  return keys.length === 0 ? [path] : keys.flatMap(key => leaves(node[key], `${path}/${key}`))
}

function ownedBy(object: Body, manager: string, operation = 'Apply'): string[] {
  const entries = (object.metadata.managedFields ?? []).filter(
    (entry: { manager: string; operation: string }) =>
      entry.manager === manager && entry.operation === operation,
  )
  return entries.flatMap((entry: { fieldsV1: object }) => leaves(entry.fieldsV1)).sort()
}

export function applyCases(t: Test, api: ContractClient): void {
  const path = (name: string): string => `${CONFIGMAPS}/${name}`

  t.test('it creates what is not there, and the manager owns what it named', async t => {
    const name = fresh('apply')
    const made = await api.apply(path(name), 'me', configMap(name, { k: '1' }, { labels: { l: '1' } }))
    t.equal(made.code, 201)
    t.same(ownedBy(made.body, 'me'), ['/f:data/f:k', '/f:metadata/f:labels/f:l'])
    t.match(made.body.metadata.managedFields[0], {
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      time: /Z$/,
    })
  })

  t.test('the same again changes nothing, not even the version', async t => {
    const name = fresh('apply')
    const first = await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    const again = await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    t.equal(again.code, 200)
    t.equal(again.body.metadata.resourceVersion, first.body.metadata.resourceVersion)
  })

  t.test('without a manager it is 422', async t => {
    const name = fresh('apply')
    const reply = await api.patch(path(name), configMap(name, {}), APPLY_PATCH)
    t.match(reply, { code: 422, body: { reason: 'Invalid', message: /fieldManager: Required value/ } })
  })

  t.test("another's field is a conflict that names it, and force takes it", async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'first', configMap(name, { k: '1', free: 'x' }))
    const refused = await api.apply(path(name), 'second', configMap(name, { k: '2' }))
    t.match(refused, {
      code: 409,
      body: {
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "first": .data.k',
        details: {
          causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "first"', field: '.data.k' }],
        },
      },
    })
    const forced = await api.apply(path(name), 'second', configMap(name, { k: '2' }), true)
    t.same(forced.body.data, { k: '2', free: 'x' })
    t.same(ownedBy(forced.body, 'first'), ['/f:data/f:free'])
    t.same(ownedBy(forced.body, 'second'), ['/f:data/f:k'])
  })

  t.test('the same value is shared, not fought over', async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'first', configMap(name, { k: '1' }))
    const shared = await api.apply(path(name), 'second', configMap(name, { k: '1' }))
    t.equal(shared.code, 200)
    const owners = ['first', 'second'].map(manager => ownedBy(shared.body, manager))
    t.same(owners, [['/f:data/f:k'], ['/f:data/f:k']])
    const left = await api.apply(path(name), 'first', configMap(name, undefined))
    t.same(left.body.data, { k: '1' }, 'it stays while one of them applies it')
  })

  t.test('a field that is no longer applied goes', async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'me', configMap(name, { k: '1', l: '1' }, { labels: { a: '1' } }))
    const { body } = await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    t.same(body.data, { k: '1' })
    t.equal(body.metadata.labels, undefined)
    t.same(ownedBy(body, 'me'), ['/f:data/f:k'])
  })

  t.test('an update takes ownership, and an apply over it conflicts', async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    const updated = await api.patch(`${path(name)}?fieldManager=hand`, { data: { k: '2' } }, MERGE_PATCH)
    t.same(ownedBy(updated.body, 'me'), [])
    t.same(ownedBy(updated.body, 'hand', 'Update'), ['/f:data/f:k'])
    const refused = await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    t.match(refused, {
      code: 409,
      body: { message: 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.k' },
    })
  })

  t.test('the manager of other writes is the first word of the user agent', async t => {
    const name = fresh('apply')
    const { body } = await api.post(CONFIGMAPS, { metadata: { name }, data: { k: '1' } })
    t.same(ownedBy(body, 'contract', 'Update'), ['/f:data/f:k'])
  })

  t.test('the name must be said, and be that of the path', async t => {
    const name = fresh('apply')
    const apply = (metadata: object) =>
      api.apply(path(name), 'me', { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    t.match(await apply({}), {
      code: 400,
      body: {
        message: `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
      },
    })
    t.match(await apply({ name: 'other' }), {
      code: 400,
      body: { message: `the name of the object (other) does not match the name on the URL (${name})` },
    })
    t.match(await api.apply(path(name), 'me', { kind: 'ConfigMap', metadata: { name } }), {
      code: 400,
      body: { reason: 'BadRequest' },
    })
  })

  t.test('finalizers are owned one by one', async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'a', configMap(name, undefined, { finalizers: ['h.io/a'] }))
    const both = await api.apply(path(name), 'b', configMap(name, undefined, { finalizers: ['h.io/b'] }))
    t.same(both.body.metadata.finalizers.sort(), ['h.io/a', 'h.io/b'])
    t.same(ownedBy(both.body, 'b'), ['/f:metadata/f:finalizers/v:"h.io/b"'])
    const left = await api.apply(path(name), 'a', configMap(name, undefined))
    t.same(left.body.metadata.finalizers, ['h.io/b'])
    await api.apply(path(name), 'b', configMap(name, undefined))
  })

  t.test('an object with a uid or version that is not its own is refused', async t => {
    const name = fresh('apply')
    await api.apply(path(name), 'me', configMap(name, { k: '1' }))
    t.match(await api.apply(path(name), 'me', configMap(name, { k: '2' }, { uid: 'another' })), {
      code: 422,
      body: { reason: 'Invalid', message: /metadata\.uid: Invalid value: "another": field is immutable/ },
    })
    t.match(await api.apply(path(name), 'me', configMap(name, { k: '2' }, { resourceVersion: '3' })), {
      code: 409,
      body: { reason: 'Conflict' },
    })
  })

  t.test('taints are owned as a whole', async t => {
    const name = fresh('node')
    const node = (key: string) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: { taints: [{ key, effect: 'NoSchedule' }] },
    })
    await api.apply(`${NODES}/${name}`, 'a', node('one'))
    t.match(await api.apply(`${NODES}/${name}`, 'b', node('two')), {
      code: 409,
      body: { message: /conflict with "a": \.spec\.taints$/ },
    })
    await api.delete(`${NODES}/${name}`)
  })
}
