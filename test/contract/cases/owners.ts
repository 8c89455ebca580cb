/** What deletion leaves to others: finalizers of propagation, owner references. The collecting itself needs a controller. */
import type { Test } from 'tap'
import { type ContractClient, MERGE_PATCH } from '../client.ts'
import { CONFIGMAPS, fresh } from '../names.ts'

export function ownerCases(t: Test, api: ContractClient): void {
  t.test('owner references are kept as they were given', async t => {
    const [owner, child] = [fresh('owner'), fresh('child')]
    const { uid } = (await api.post(CONFIGMAPS, { metadata: { name: owner } })).body.metadata
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid, controller: true, blockOwnerDeletion: true },
    ]
    const made = await api.post(CONFIGMAPS, { metadata: { name: child, ownerReferences } })
    t.same(made.body.metadata.ownerReferences, ownerReferences)
    await Promise.all([owner, child].map(name => api.delete(`${CONFIGMAPS}/${name}`)))
  })

  t.test('a foreground deletion waits behind a finalizer', async t => {
    const name = fresh('owner')
    const path = `${CONFIGMAPS}/${name}`
    await api.post(CONFIGMAPS, { metadata: { name, finalizers: ['h.io/hold'] } })
    const { body } = await api.delete(path, { propagationPolicy: 'Foreground' })
    t.ok(body.metadata.finalizers.includes('foregroundDeletion'))
    await api.patch(path, { metadata: { finalizers: null } }, MERGE_PATCH)
    t.equal((await api.get(path)).code, 404)
  })
}
