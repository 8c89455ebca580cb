/** Bad disks: the device-mapper device below a DRBD resource gets another table; thin pools run full. */
import { faultDevice } from './drbd-config.ts'
import type { LabNode } from './layout.ts'
import { backingVolume, type ResourceSpec, type StorageLab, THIN_POOL, VOLUME_GROUP } from './storage.ts'

export type DiskFault =
  /** Every read and write fails. */
  | { readonly kind: 'error' }
  /** Healthy for upS seconds, then failing for downS seconds, and again. */
  | { readonly kind: 'flaky'; readonly upS: number; readonly downS: number }
  /** Reads of these 512-byte blocks fail until they are written anew. */
  | { readonly kind: 'bad-blocks'; readonly blocks: readonly number[] }
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Nothing comes back any more, neither data nor an error. */
  | { readonly kind: 'hang' }

const FILLER = 'filler'

function table(spec: ResourceSpec, fault: DiskFault | undefined): string {
  const volume = `/dev/${VOLUME_GROUP}/${backingVolume(spec)}`
  switch (fault?.kind) {
    case 'error':
      return 'error'
    case 'flaky':
      return `flakey ${volume} 0 ${fault.upS} ${fault.downS}`
    case 'bad-blocks':
      return `dust ${volume} 0 512`
    case 'slow':
      return `delay ${volume} 0 ${fault.delayMs}`
    default:
      return `linear ${volume} 0`
  }
}

/** Also ends a hang: resuming lets the held requests go. */
function reload(spec: ResourceSpec, fault: DiskFault | undefined): string {
  const name = faultDevice(spec.resource)
  const size = `$(blockdev --getsz /dev/${VOLUME_GROUP}/${backingVolume(spec)})`
  return `dmsetup load ${name} --table "0 ${size} ${table(spec, fault)}" && dmsetup suspend --nolockfs --noflush ${name} && dmsetup resume ${name}`
}

export async function breakDisk(
  lab: StorageLab,
  node: LabNode,
  spec: ResourceSpec,
  fault: DiskFault,
): Promise<void> {
  const name = faultDevice(spec.resource)
  if (fault.kind === 'hang') {
    await lab.sh(node, `dmsetup suspend --nolockfs --noflush ${name}`)
    return
  }
  await lab.sh(node, reload(spec, fault))
  if (fault.kind !== 'bad-blocks') return
  const bad = fault.blocks.map(block => `dmsetup message ${name} 0 addbadblock ${block}`)
  await lab.sh(node, `set -e\n${bad.join('\n')}\ndmsetup message ${name} 0 enable`)
}

/** The disk is well again; DRBD, which has detached it, gets it back. */
export async function mendDisk(lab: StorageLab, node: LabNode, spec: ResourceSpec): Promise<void> {
  await lab.sh(node, reload(spec, undefined))
  await lab.sh(
    node,
    `drbdadm dstate ${spec.resource} | grep -q '^Diskless' && drbdadm attach ${spec.resource} || true`,
  )
}

/** Another volume of the thin pool takes all that is left; the pool answers with errors, it does not queue. */
export async function fillThinPool(lab: StorageLab, node: LabNode): Promise<void> {
  const pool = `${VOLUME_GROUP}/${THIN_POOL}`
  await lab.sh(
    node,
    `set -e
    lvchange -q --errorwhenfull y ${pool}
    lvcreate -q -y -V "$(lvs --noheadings --nosuffix --units m -o lv_size ${pool} | tr -d ' ' | cut -d. -f1)M" -T ${pool} -n ${FILLER} 2>/dev/null
    dd if=/dev/zero of=/dev/${VOLUME_GROUP}/${FILLER} bs=1M oflag=direct 2>/dev/null || true
    sync`,
    { deadlineMs: 120_000 },
  )
}

export async function emptyThinPool(lab: StorageLab, node: LabNode): Promise<void> {
  await lab.sh(node, `lvremove -q -y ${VOLUME_GROUP}/${FILLER}`)
}

/** Share of the thin pool that is in use, in percent. */
export async function thinPoolUsed(lab: StorageLab, node: LabNode): Promise<number> {
  return Number((await lab.sh(node, `lvs --noheadings -o data_percent ${VOLUME_GROUP}/${THIN_POOL}`)).trim())
}
