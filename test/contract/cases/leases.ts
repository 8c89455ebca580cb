/** Leases: what leader election and node heartbeats rely on. */
import type { Test } from 'tap'
import type { ContractClient } from '../client.ts'
import { fresh, LEASES } from '../names.ts'

export function leaseCases(t: Test, api: ContractClient): void {
  const spec = (holder: string) => ({
    holderIdentity: holder,
    leaseDurationSeconds: 15,
    renewTime: '2026-01-01T00:00:00.000001Z',
    leaseTransitions: 0,
  })

  t.test('of two updates from the same version one wins', async t => {
    const name = fresh('lease')
    const path = `${LEASES}/${name}`
    const made = await api.post(LEASES, { metadata: { name }, spec: spec('a') })
    t.equal(made.code, 201)
    t.same(made.body.spec, spec('a'), 'microseconds are kept')
    const [b, c] = await Promise.all(
      ['b', 'c'].map(holder => api.put(path, { ...made.body, spec: spec(holder) })),
    )
    t.same([b?.code, c?.code].sort(), [200, 409])
    const loser = b?.code === 409 ? b : c
    t.match(loser?.body, {
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on leases.coordination.k8s.io "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      details: { name, group: 'coordination.k8s.io', kind: 'leases' },
    })
    t.equal((await api.get(path)).body.spec.holderIdentity, b?.code === 200 ? 'b' : 'c')
  })

  t.test('an update without a version is refused, of what is not there it creates', async t => {
    const name = fresh('lease')
    const put = () => api.put(`${LEASES}/${name}`, { metadata: { name }, spec: spec('a') })
    t.equal((await put()).code, 201)
    t.match(await put(), {
      code: 422,
      body: {
        reason: 'Invalid',
        message: `leases.coordination.k8s.io "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
      },
    })
  })

  t.test('two creators: one is told that it exists', async t => {
    const name = fresh('lease')
    const made = await Promise.all(
      ['a', 'b'].map(holder => api.post(LEASES, { metadata: { name }, spec: spec(holder) })),
    )
    t.same(made.map(reply => reply.code).sort(), [201, 409])
    t.equal(made.find(reply => reply.code === 409)?.body.reason, 'AlreadyExists')
  })
}
