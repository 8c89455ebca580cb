/** The objects of the test workload: CSI driver and plugin, a volume that exists already, a StatefulSet that writes to it. */
import { CSI_DRIVER } from '#protocol/names.ts'
import { TEST_IMAGE } from './images.ts'

/** As much of a Kubernetes object as all of them have. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

const SYSTEM = 'kube-system'
const KUBELET = '/var/lib/kubelet'

/** Driver object and node plugin, for every node. */
export function csiManifests(): Manifest[] {
  const labels = { app: 'hawser-test-csi' }
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: CSI_DRIVER },
      spec: { attachRequired: true, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'hawser-test-csi', namespace: SYSTEM, labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } },
        template: {
          metadata: { labels },
          spec: {
            ...NODE_POD,
            hostPID: true,
            containers: [
              {
                name: 'plugin',
                image: TEST_IMAGE,
                imagePullPolicy: 'Never',
                args: ['/hawser/csi-plugin.mjs'],
                env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
                securityContext: { privileged: true },
                volumeMounts: [
                  { name: 'kubelet', mountPath: KUBELET },
                  { name: 'steps', mountPath: '/run/hawser-test' },
                ],
              },
            ],
            volumes: [
              { name: 'kubelet', hostPath: { path: KUBELET } },
              { name: 'steps', hostPath: { path: '/run/hawser-test', type: 'DirectoryOrCreate' } },
            ],
          },
        },
      },
    },
  ]
}

/** A pod that belongs to a node: it tolerates everything and uses the node's network. */
export const NODE_POD = {
  hostNetwork: true,
  terminationGracePeriodSeconds: 1,
  tolerations: [{ operator: 'Exists' }],
  enableServiceLinks: false,
}

export interface WriterWanted {
  readonly name: string
  readonly namespace?: string
  /** The DRBD resource that is the volume, and its device. */
  readonly resource: string
  readonly device: string
  readonly fsType?: string
  /** Nodes with a replica; the pod prefers the first. */
  readonly nodes: readonly string[]
  /** HOST:PORT of the oracle's collector, on the control network. */
  readonly collector: string
  readonly everyMs?: number
}

const MOUNT = '/data'
const RECORDS = 'records'

/** PersistentVolume, claim (bound to each other in advance, which is quick) and a StatefulSet with one pod. */
export function writerManifests(wanted: WriterWanted): Manifest[] {
  const { name, namespace = 'default' } = wanted
  const labels = { app: name }
  const size = { storage: '32Mi' }
  const onNodes = { matchExpressions: [{ key: HOSTNAME, operator: 'In', values: wanted.nodes }] }
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        capacity: size,
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace },
        csi: {
          driver: CSI_DRIVER,
          volumeHandle: wanted.resource,
          fsType: wanted.fsType ?? 'ext4',
          volumeAttributes: { device: wanted.device },
        },
        nodeAffinity: { required: { nodeSelectorTerms: [onNodes] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        volumeName: name,
        resources: { requests: size },
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        serviceName: name,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: writerPod(wanted) },
      },
    },
  ]
}

const HOSTNAME = 'kubernetes.io/hostname'

/** hostNetwork: the collector listens on the lab's control network, and the pod must survive cuts of the others. */
function writerPod(wanted: WriterWanted): object {
  const first = { matchExpressions: [{ key: HOSTNAME, operator: 'In', values: wanted.nodes.slice(0, 1) }] }
  return {
    hostNetwork: true,
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    affinity: {
      nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: first }] },
    },
    containers: [
      {
        name: 'writer',
        image: TEST_IMAGE,
        imagePullPolicy: 'Never',
        args: [
          '/hawser/writer.mjs',
          `${MOUNT}/${RECORDS}`,
          wanted.collector,
          '$(NODE_NAME)',
          wanted.resource,
          String(wanted.everyMs ?? 20),
        ],
        env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
        volumeMounts: [{ name: 'data', mountPath: MOUNT }],
      },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: wanted.name } }],
  }
}

/** What `kubectl apply -f -` takes. */
export function manifestList(manifests: readonly Manifest[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests })
}

/** A shell pattern of the records' file on the node where the pod runs (one match: pods of then are gone). */
export function recordsPattern(volume: string): string {
  return `/var/lib/kubelet/pods/*/volumes/kubernetes.io~csi/${volume}/mount/${RECORDS}`
}
