/** The defaults of the built-in kinds: what the API server fills in while it reads a new object. */
import { isObject, type JsonObject, type KubeObject } from './json.ts'

const CONTAINER = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
}
function defaultContainers(spec: JsonObject, key: string): JsonObject {
  const list = spec[key]
  return Array.isArray(list)
    ? { [key]: list.map(each => ({ ...CONTAINER, ...(isObject(each) ? each : {}) })) }
    : {}
}

function newPod(pod: KubeObject): KubeObject {
  const spec = pod.spec ?? {}
  return {
    ...pod,
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      ...spec,
      ...defaultContainers(spec, 'containers'),
      ...defaultContainers(spec, 'initContainers'),
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  }
}

const DEFAULTS: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  Pod: newPod,
  Node: object => ({ ...object, spec: object.spec ?? {}, status: object.status ?? {} }),
  Namespace: object => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { 'kubernetes.io/metadata.name': object.metadata.name, ...object.metadata.labels },
    },
    spec: { finalizers: ['kubernetes'], ...object.spec },
    status: { phase: 'Active' },
  }),
  VolumeAttachment: object => ({ ...object, status: { attached: false } }),
  PersistentVolume: object => ({
    ...object,
    spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', ...object.spec },
    status: { phase: 'Pending' },
  }),
  PersistentVolumeClaim: object => ({
    ...object,
    spec: { volumeMode: 'Filesystem', ...object.spec },
    status: { phase: 'Pending' },
  }),
  StatefulSet: object => ({
    ...object,
    spec: { replicas: 1, podManagementPolicy: 'OrderedReady', ...object.spec },
    status: { replicas: 0 },
  }),
  Deployment: object => ({ ...object, spec: { replicas: 1, ...object.spec }, status: {} }),
  CSIDriver: object => ({ ...object, spec: { attachRequired: true, podInfoOnMount: false, ...object.spec } }),
}

export function withDefaults(object: KubeObject): KubeObject {
  return DEFAULTS[object.kind]?.(object) ?? object
}
