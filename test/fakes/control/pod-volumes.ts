/** From a pod to the volumes behind its claims. Pure. */
import { createHash } from 'node:crypto'
import { at, type KubeObject, listAt, textAt } from '../api/json.ts'

export interface CsiVolume {
  readonly pv: string
  readonly driver: string
  readonly handle: string
  /** As nodes name it in volumesInUse and volumesAttached. */
  readonly unique: string
}

export interface Lookup {
  get(collection: 'claims' | 'volumes', name: string, namespace?: string): KubeObject | undefined
}

export function claimNames(pod: KubeObject): string[] {
  return listAt(pod, 'spec', 'volumes').flatMap(
    volume => textAt(volume, 'persistentVolumeClaim', 'claimName') ?? [],
  )
}

export function csiOf(pv: KubeObject): CsiVolume | undefined {
  const driver = textAt(pv, 'spec', 'csi', 'driver')
  const handle = textAt(pv, 'spec', 'csi', 'volumeHandle')
  if (driver === undefined || handle === undefined) return undefined
  return { pv: pv.metadata.name, driver, handle, unique: `kubernetes.io/csi/${driver}^${handle}` }
}

/** The volume of a claim that is bound, from both sides. */
export function boundVolume(claim: KubeObject, lookup: Lookup): KubeObject | undefined {
  const name = textAt(claim, 'spec', 'volumeName')
  const isBound = textAt(claim, 'status', 'phase') === 'Bound'
  return name === undefined || !isBound ? undefined : lookup.get('volumes', name)
}

/** undefined: some claim of the pod is missing or not bound. */
export function volumesOf(pod: KubeObject, lookup: Lookup): KubeObject[] | undefined {
  const volumes = claimNames(pod).map(name => {
    const claim = lookup.get('claims', name, pod.metadata.namespace)
    return claim === undefined ? undefined : boundVolume(claim, lookup)
  })
  return volumes.includes(undefined) ? undefined : volumes.filter(volume => volume !== undefined)
}

export function attachmentName(volume: CsiVolume, node: string): string {
  return `csi-${createHash('sha256').update(`${volume.handle}${volume.driver}${node}`).digest('hex')}`
}

export function isTerminated(pod: KubeObject): boolean {
  return ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? '')
}

export function conditionOf(object: KubeObject | undefined, type: string): string | undefined {
  const found = listAt(object, 'status', 'conditions').find(each => textAt(each, 'type') === type)
  return textAt(found, 'status')
}

/** Whether pods of several nodes may use the volume at once. */
export function isShared(pv: KubeObject): boolean {
  return listAt(pv, 'spec', 'accessModes').some(mode => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

export function isAttachable(driver: KubeObject | undefined): boolean {
  return at(driver, 'spec', 'attachRequired') !== false
}
