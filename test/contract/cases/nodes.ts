/** Nodes: taints, volumes in use, the status apart. */
import type { Test } from 'tap'
import { type ContractClient, JSON_PATCH, MERGE_PATCH } from '../client.ts'
import { fresh, NODES } from '../names.ts'

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
const LOST = { key: 'drbd.linbit.com/lost-quorum', effect: 'NoSchedule' }

async function node(api: ContractClient, status: object = {}): Promise<string> {
  const name = fresh('node')
  const reply = await api.post(NODES, { metadata: { name }, status })
  if (reply.code !== 201) throw new Error(JSON.stringify(reply.body))
  return `${NODES}/${name}`
}

export function nodeCases(t: Test, api: ContractClient): void {
  t.test('a new node keeps the status it came with and is tainted until seen ready', async t => {
    const path = await node(api, { capacity: { cpu: '1' }, volumesInUse: ['a'] })
    const { body } = await api.get(path)
    t.same(body.spec.taints, [NOT_READY])
    t.same(body.status.volumesInUse, ['a'])
    await api.delete(path)
  })

  t.test('a taint is added under the test that the list is as it was read', async t => {
    const path = await node(api)
    const add = (taints: object[]) => [
      { op: 'test', path: '/spec/taints', value: taints },
      { op: 'add', path: '/spec/taints/-', value: LOST },
    ]
    t.match(await api.patch(path, add([NOT_READY]), JSON_PATCH), {
      code: 200,
      body: { spec: { taints: [NOT_READY, LOST] } },
    })
    t.match(await api.patch(path, add([NOT_READY]), JSON_PATCH), { code: 422, body: { reason: 'Invalid' } })
    t.match(await api.patch(path, [{ op: 'add', path: '/spec/taints/-', value: LOST }], JSON_PATCH), {
      code: 422,
      body: { reason: 'Invalid', message: /taints must be unique by key and effect pair/ },
    })
    const version = (await api.get(path)).body.metadata.resourceVersion
    const both = [
      { op: 'test', path: '/metadata/resourceVersion', value: version },
      { op: 'remove', path: '/spec/taints/1' },
    ]
    t.same((await api.patch(path, both, JSON_PATCH)).body.spec.taints, [NOT_READY])
    t.match(await api.patch(path, both, JSON_PATCH), { code: 422 }, 'the version has moved on')
    await api.delete(path)
  })

  t.test('a volume is taken out of volumesInUse under a test', async t => {
    const path = await node(api, { volumesInUse: ['kubernetes.io/csi/d^a', 'kubernetes.io/csi/d^b'] })
    const take = (i: number, volume: string) => [
      { op: 'test', path: `/status/volumesInUse/${i}`, value: volume },
      { op: 'remove', path: `/status/volumesInUse/${i}` },
    ]
    const taken = await api.patch(`${path}/status`, take(0, 'kubernetes.io/csi/d^a'), JSON_PATCH)
    t.same(taken.body.status.volumesInUse, ['kubernetes.io/csi/d^b'])
    t.match(await api.patch(`${path}/status`, take(0, 'kubernetes.io/csi/d^a'), JSON_PATCH), { code: 422 })
    t.match(await api.patch(`${path}/status`, take(5, 'kubernetes.io/csi/d^a'), JSON_PATCH), { code: 422 })
    const list = [
      { op: 'test', path: '/status/volumesInUse', value: ['kubernetes.io/csi/d^b'] },
      { op: 'replace', path: '/status/volumesInUse', value: [] },
    ]
    t.equal((await api.patch(`${path}/status`, list, JSON_PATCH)).code, 200)
    t.notOk((await api.get(path)).body.status.volumesInUse?.length)
    await api.delete(path)
  })

  t.test('volumesInUse is not changed through the node itself, taints not through the status', async t => {
    const path = await node(api, { volumesInUse: ['a'] })
    const main = await api.patch(
      path,
      { status: { volumesInUse: ['b'] }, metadata: { labels: { l: '1' } } },
      MERGE_PATCH,
    )
    t.same([main.body.status.volumesInUse, main.body.metadata.labels], [['a'], { l: '1' }])
    const status = await api.patch(
      `${path}/status`,
      { spec: { taints: [LOST] }, status: { volumesInUse: ['c'] }, metadata: { labels: { m: '1' } } },
      MERGE_PATCH,
    )
    t.same([status.body.spec.taints, status.body.status.volumesInUse], [[NOT_READY], ['c']])
    t.same(status.body.metadata.labels, { l: '1', m: '1' }, 'labels pass')
    await api.delete(path)
  })

  t.test('a node that was never applied conflicts under a manager of its own', async t => {
    const path = await node(api)
    const { name } = (await api.get(path)).body.metadata
    const applied = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { taints: [LOST] } }
    t.match(await api.apply(path, 'me', applied), {
      code: 409,
      body: { message: /conflict with "before-first-apply" using v1: \.spec\.taints$/ },
    })
    await api.delete(path)
  })
}
