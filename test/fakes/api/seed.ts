/** What a new cluster has before anybody creates anything. */
import type { Served } from './call.ts'
import type { KubeObject } from './json.ts'
import { prepareNew } from './prepare.ts'
import { tableOf } from './resources.ts'
import { keyOf } from './store.ts'

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system']

export function seed(served: Served): void {
  const put = (plural: string, name: string, namespace?: string): void => {
    const resource = served.resources.find('', 'v1', plural)
    if (resource === undefined) return
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }) } as KubeObject['metadata']
    const object = prepareNew(resource, { apiVersion: 'v1', kind: resource.kind, metadata })
    served.store.put(tableOf(resource), keyOf(namespace, name), object)
  }
  for (const namespace of NAMESPACES) put('namespaces', namespace)
  for (const namespace of NAMESPACES) put('serviceaccounts', 'default', namespace)
}
