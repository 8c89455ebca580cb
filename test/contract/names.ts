/** Names and paths that the cases share. */
let count = 0

/** A name that no other case uses, also not one of an earlier run against the same server. */
export function fresh(prefix: string): string {
  count += 1
  return `${prefix}-${process.pid}-${Date.now() % 1_000_000}-${count}`
}

export const CONFIGMAPS = '/api/v1/namespaces/default/configmaps'
export const PODS = '/api/v1/namespaces/default/pods'
export const NODES = '/api/v1/nodes'
export const EVENTS = '/api/v1/namespaces/default/events'
export const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
export const ATTACHMENTS = '/apis/storage.k8s.io/v1/volumeattachments'
export const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
