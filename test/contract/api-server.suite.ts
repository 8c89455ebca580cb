/** The contract of an API server: every behaviour that Hawser relies on, checked over plain HTTP. */
import type { Test } from 'tap'
import { applyCases } from './cases/apply.ts'
import { customCases } from './cases/custom.ts'
import { deleteCases } from './cases/deletes.ts'
import { leaseCases } from './cases/leases.ts'
import { listCases } from './cases/lists.ts'
import { nodeCases } from './cases/nodes.ts'
import { objectCases } from './cases/objects.ts'
import { ownerCases } from './cases/owners.ts'
import { patchCases } from './cases/patches.ts'
import { podCases } from './cases/pods.ts'
import { serverCases } from './cases/server.ts'
import { watchCases } from './cases/watches.ts'
import { ContractClient, type ContractTarget } from './client.ts'

/** One group of cases. Each makes its own names, so that the order does not matter. */
export type Cases = (t: Test, api: ContractClient) => void | Promise<void>

const GROUPS: Readonly<Record<string, Cases>> = {
  server: serverCases,
  objects: objectCases,
  patches: patchCases,
  apply: applyCases,
  deletes: deleteCases,
  lists: listCases,
  watches: watchCases,
  'custom resources': customCases,
  nodes: nodeCases,
  pods: podCases,
  leases: leaseCases,
  'owner references and finalizers': ownerCases,
}

export async function apiServerContract(t: Test, target: ContractTarget): Promise<void> {
  const api = new ContractClient(target)
  t.teardown(() => api[Symbol.asyncDispose]())
  // A bare API server has no controller that makes this account, and takes no pods without it.
  await api.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  for (const [name, cases] of Object.entries(GROUPS)) {
    await t.test(name, async t => {
      await cases(t, api)
    })
  }
}
