/** How Kubernetes and LINSTOR name the same volume. */
import { CSI_DRIVER } from '#protocol/names.ts'

/** A handle is the DRBD resource, or `resource/volume` in a consistency group. */
export function resourceOfHandle(handle: string): string {
  return handle.split('/')[0] ?? handle
}

/** An entry of a node's `status.volumesInUse`. */
export function inUseName(handle: string): string {
  return `kubernetes.io/csi/${CSI_DRIVER}^${handle}`
}
