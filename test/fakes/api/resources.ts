/** The table of resources that are served: the built-in kinds of use to us, and what CRDs add. */
import type { JsonObject } from './json.ts'
import { CORE_SHAPES, PLAIN_SHAPE, type Shape } from './shapes.ts'

export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly subresources: readonly string[]
  /** A main write leaves the status alone, a status write leaves the rest alone. */
  readonly separateStatus: boolean
  /** An update without a resourceVersion is taken as "whatever is there". */
  readonly unconditionalUpdate: boolean
  /** A PUT on a name that does not exist creates it. */
  readonly createOnUpdate: boolean
  /** A delete answers with the object instead of a Status. */
  readonly returnsDeleted: boolean
  /** metadata.generation counts changes of the spec. */
  readonly countsGenerations: boolean
  /** Field selectors beyond metadata.name and metadata.namespace. */
  readonly selectable: readonly string[]
  readonly shape: Shape
  /** Only of custom resources: the schema that prunes and validates. */
  readonly schema?: JsonObject
  /** Versions before this one are unknown to watches of this resource. */
  readonly servedSince: number
}

/** Group and plural: what the store's tables are called. */
export function tableOf(resource: Pick<Resource, 'group' | 'plural'>): string {
  return `${resource.group}/${resource.plural}`
}

export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

type Options = Partial<Omit<Resource, 'group' | 'version' | 'plural' | 'kind'>>

function builtIn(
  group: string,
  version: string,
  plural: string,
  kind: string,
  options: Options = {},
): Resource {
  const shape = options.shape ?? CORE_SHAPES[kind] ?? PLAIN_SHAPE
  return {
    group,
    version,
    plural,
    kind,
    singular: kind.toLowerCase(),
    namespaced: true,
    subresources: [],
    separateStatus: options.subresources?.includes('status') ?? false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    returnsDeleted: false,
    countsGenerations: false,
    selectable: [],
    servedSince: 0,
    ...options,
    shape,
  }
}

const STATUS = { subresources: ['status'] }
const CLUSTER = { namespaced: false }
const RBAC = 'rbac.authorization.k8s.io'

export const BUILT_IN: readonly Resource[] = [
  builtIn('', 'v1', 'namespaces', 'Namespace', {
    ...CLUSTER,
    subresources: ['status', 'finalize'],
    selectable: ['status.phase'],
  }),
  builtIn('', 'v1', 'nodes', 'Node', { ...CLUSTER, ...STATUS, selectable: ['spec.unschedulable'] }),
  builtIn('', 'v1', 'pods', 'Pod', {
    subresources: ['status', 'binding', 'eviction'],
    returnsDeleted: true,
    countsGenerations: true,
    selectable: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
    ],
  }),
  builtIn('', 'v1', 'configmaps', 'ConfigMap'),
  builtIn('', 'v1', 'secrets', 'Secret', { selectable: ['type'] }),
  builtIn('', 'v1', 'serviceaccounts', 'ServiceAccount', { returnsDeleted: true }),
  builtIn('', 'v1', 'services', 'Service', { ...STATUS, returnsDeleted: true }),
  builtIn('', 'v1', 'endpoints', 'Endpoints', { createOnUpdate: true }),
  builtIn('', 'v1', 'events', 'Event', {
    createOnUpdate: true,
    selectable: [
      'involvedObject.kind',
      'involvedObject.name',
      'involvedObject.namespace',
      'involvedObject.uid',
      'reason',
      'type',
      'source',
    ],
  }),
  builtIn('', 'v1', 'persistentvolumes', 'PersistentVolume', { ...CLUSTER, ...STATUS, returnsDeleted: true }),
  builtIn('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', { ...STATUS, returnsDeleted: true }),
  builtIn('events.k8s.io', 'v1', 'events', 'Event', { createOnUpdate: true }),
  builtIn('apps', 'v1', 'statefulsets', 'StatefulSet', { ...STATUS, countsGenerations: true }),
  builtIn('apps', 'v1', 'deployments', 'Deployment', { ...STATUS, countsGenerations: true }),
  builtIn('apps', 'v1', 'daemonsets', 'DaemonSet', { ...STATUS, countsGenerations: true }),
  builtIn('apps', 'v1', 'replicasets', 'ReplicaSet', { ...STATUS, countsGenerations: true }),
  builtIn('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
  builtIn('batch', 'v1', 'jobs', 'Job', { ...STATUS, countsGenerations: true }),
  builtIn('coordination.k8s.io', 'v1', 'leases', 'Lease', {
    unconditionalUpdate: false,
    createOnUpdate: true,
  }),
  builtIn('storage.k8s.io', 'v1', 'volumeattachments', 'VolumeAttachment', {
    ...CLUSTER,
    ...STATUS,
    unconditionalUpdate: false,
    returnsDeleted: true,
  }),
  builtIn('storage.k8s.io', 'v1', 'csinodes', 'CSINode', {
    ...CLUSTER,
    unconditionalUpdate: false,
    returnsDeleted: true,
  }),
  builtIn('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', {
    ...CLUSTER,
    unconditionalUpdate: false,
    returnsDeleted: true,
    countsGenerations: true,
  }),
  builtIn('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', { ...CLUSTER, returnsDeleted: true }),
  builtIn('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', {
    ...STATUS,
    unconditionalUpdate: false,
    countsGenerations: true,
  }),
  builtIn('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', { ...CLUSTER }),
  builtIn(RBAC, 'v1', 'roles', 'Role'),
  builtIn(RBAC, 'v1', 'rolebindings', 'RoleBinding'),
  builtIn(RBAC, 'v1', 'clusterroles', 'ClusterRole', CLUSTER),
  builtIn(RBAC, 'v1', 'clusterrolebindings', 'ClusterRoleBinding', CLUSTER),
  builtIn('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy', {
    ...CLUSTER,
    ...STATUS,
  }),
  builtIn(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    CLUSTER,
  ),
  builtIn('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', {
    ...CLUSTER,
    ...STATUS,
    unconditionalUpdate: false,
    returnsDeleted: true,
    countsGenerations: true,
  }),
]

/** Which resources are served now; CRDs come and go. */
export class ResourceTable {
  readonly #served = new Map<string, Resource>()

  constructor() {
    for (const resource of BUILT_IN) this.add(resource)
  }

  add(resource: Resource): void {
    this.#served.set(`${resource.group}/${resource.version}/${resource.plural}`, resource)
  }

  /** Takes every version of a custom resource away. */
  remove(group: string, plural: string): void {
    for (const [key, resource] of this.#served) {
      if (resource.group === group && resource.plural === plural) this.#served.delete(key)
    }
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#served.get(`${group}/${version}/${plural}`)
  }

  byKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find(resource => resource.kind === kind && apiVersionOf(resource) === apiVersion)
  }

  all(): Resource[] {
    return [...this.#served.values()]
  }
}
