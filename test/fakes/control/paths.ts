/** The collections that the stand-in controllers look at, and paths of single objects. */
import type { KubeObject } from '../api/json.ts'

export const PATHS = {
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  volumes: '/api/v1/persistentvolumes',
  claims: '/api/v1/persistentvolumeclaims',
  statefulSets: '/apis/apps/v1/statefulsets',
  attachments: '/apis/storage.k8s.io/v1/volumeattachments',
  drivers: '/apis/storage.k8s.io/v1/csidrivers',
  leases: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
} as const

export type Collection = keyof typeof PATHS

export function pathOf(collection: Collection, { metadata }: Pick<KubeObject, 'metadata'>): string {
  const { namespace, name } = metadata
  const path = PATHS[collection]
  if (namespace === undefined || path.includes('/namespaces/')) return `${path}/${name}`
  const cut = path.lastIndexOf('/')
  return `${path.slice(0, cut)}/namespaces/${namespace}${path.slice(cut)}/${name}`
}

/** The collection of one namespace. */
export function within(collection: Collection, namespace: string): string {
  const path = PATHS[collection]
  const cut = path.lastIndexOf('/')
  return `${path.slice(0, cut)}/namespaces/${namespace}${path.slice(cut)}`
}
