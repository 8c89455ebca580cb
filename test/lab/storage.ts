/** Replicated volumes of the lab: makes them from nothing, and brings them up again after a reboot. */
import { AppError } from '#kit/errors.ts'
import { drbdDevice, faultDevice, type ResourceConfig, renderResource } from './drbd-config.ts'
import type { ExecOptions } from './exec-client.ts'
import type { LabNode } from './layout.ts'

export interface ResourceSpec extends ResourceConfig {
  /** Default 64. */
  readonly sizeMiB?: number
  /** skip (default): both empty disks are declared equal; full: n1 is forced Primary and its content copied. */
  readonly initialSync?: 'skip' | 'full'
  /** Default ext4; none leaves the device empty. */
  readonly fileSystem?: 'ext4' | 'xfs' | 'none'
  /** Take the backing volume from a thin pool of this size instead of the volume group. */
  readonly thinPoolMiB?: number
}

export interface Resource {
  readonly name: string
  readonly device: string
  readonly nodes: readonly [LabNode, LabNode]
}

/** The little of the lab that storage needs. */
export interface StorageLab {
  sh(node: LabNode, script: string, options?: ExecOptions): Promise<string>
  writeFile(node: LabNode, file: string, content: string): Promise<void>
  until(node: LabNode, script: string, pattern: RegExp, options?: { deadlineMs?: number }): Promise<string>
}

export const VOLUME_GROUP = 'vg0'
export const THIN_POOL = 'pool0'

/** One line of /proc/drbd: the resource's minor, then cs, ro, ds. */
export function drbdLine(spec: Pick<ResourceConfig, 'resource' | 'minor'>): string {
  const minor = drbdDevice(spec).slice('/dev/drbd'.length)
  return `grep -E '^ *${minor}: ' /proc/drbd || echo unconfigured`
}

export function backingVolume(spec: Pick<ResourceConfig, 'resource'>): string {
  return `${spec.resource}-back`
}

function mapFault(spec: ResourceSpec): string {
  const volume = `/dev/${VOLUME_GROUP}/${backingVolume(spec)}`
  const name = faultDevice(spec.resource)
  return `dmsetup info ${name} >/dev/null 2>&1 || dmsetup create ${name} --table "0 $(blockdev --getsz ${volume}) linear ${volume} 0"`
}

function makeVolume(spec: ResourceSpec): string {
  const size = `${spec.sizeMiB ?? 64}M`
  const group = `vgs ${VOLUME_GROUP} >/dev/null 2>&1 || { pvcreate -q -y /dev/ubda; vgcreate -q ${VOLUME_GROUP} /dev/ubda; }`
  const name = backingVolume(spec)
  if (spec.thinPoolMiB === undefined)
    return `${group}\nlvcreate -q -y -Wn -L ${size} -n ${name} ${VOLUME_GROUP}`
  const pool = `lvs ${VOLUME_GROUP}/${THIN_POOL} >/dev/null 2>&1 || lvcreate -q -y -Wn -Zn -L ${spec.thinPoolMiB}M -T ${VOLUME_GROUP}/${THIN_POOL}`
  return `${group}\n${pool}\nlvcreate -q -y -V ${size} -T ${VOLUME_GROUP}/${THIN_POOL} -n ${name}`
}

async function writeConfig(lab: StorageLab, node: LabNode, spec: ResourceSpec): Promise<void> {
  await lab.writeFile(node, `/etc/drbd.d/${spec.resource}.res`, renderResource(spec))
}

export async function setupResource(lab: StorageLab, spec: ResourceSpec): Promise<Resource> {
  const [first] = spec.nodes
  const name = spec.resource
  await Promise.all(
    spec.nodes.map(async node => {
      await writeConfig(lab, node, spec)
      const steps = [
        makeVolume(spec),
        mapFault(spec),
        `drbdadm create-md --force ${name}`,
        `drbdadm up ${name}`,
      ]
      await lab.sh(
        node,
        `set -e\n{ ${steps.join('\n')}\n} >/run/setup-${name}.log 2>&1 || { tail -5 /run/setup-${name}.log >&2; exit 1; }`,
      )
    }),
  )
  await lab.until(first, drbdLine(spec), /cs:Connected/)
  if ((spec.initialSync ?? 'skip') === 'skip')
    await lab.sh(first, `drbdadm -- --clear-bitmap new-current-uuid ${name}/0`)
  else await lab.sh(first, `drbdadm primary --force ${name} && drbdadm secondary ${name}`)
  await Promise.all(
    spec.nodes.map(node => lab.until(node, drbdLine(spec), /cs:Connected .*ds:UpToDate\/UpToDate/)),
  )
  await makeFileSystem(lab, first, spec)
  return { name, device: drbdDevice(spec), nodes: spec.nodes }
}

async function makeFileSystem(lab: StorageLab, node: LabNode, spec: ResourceSpec): Promise<void> {
  const kind = spec.fileSystem ?? 'ext4'
  if (kind === 'none') return
  const make = kind === 'ext4' ? 'mkfs.ext4 -q -F -E lazy_itable_init=0,nodiscard' : 'mkfs.xfs -q -f -K'
  await lab.sh(
    node,
    `drbdadm primary ${spec.resource} && ${make} ${drbdDevice(spec)} && drbdadm secondary ${spec.resource}`,
  )
}

/** After a reboot: the same volumes and resources, without making anything anew. May be called twice. */
export async function bringUpResources(
  lab: StorageLab,
  node: LabNode,
  specs: readonly ResourceSpec[],
): Promise<void> {
  const mine = specs.filter(spec => spec.nodes.includes(node))
  if (mine.length === 0) return
  await Promise.all(mine.map(spec => writeConfig(lab, node, spec)))
  const up = mine.map(
    spec => `${mapFault(spec)}\n${drbdLine(spec)} | grep -q cs: || drbdadm up ${spec.resource}`,
  )
  await lab.sh(node, `set -e\nvgchange -q -ay ${VOLUME_GROUP} >/dev/null\n${up.join('\n')}`)
}

export function mountPoint(resource: string): string {
  return `/mnt/${resource}`
}

/** Primary and mounted at /mnt/RESOURCE. DRBD asks fence-peer first when the peer is away. */
export async function promote(
  lab: StorageLab,
  node: LabNode,
  spec: ResourceSpec,
  deadlineMs: number,
): Promise<void> {
  const point = mountPoint(spec.resource)
  try {
    await lab.sh(
      node,
      `drbdadm primary ${spec.resource} && mkdir -p ${point} && mount ${drbdDevice(spec)} ${point}`,
      { deadlineMs },
    )
  } catch (cause) {
    throw new AppError(
      'LAB_FAILED',
      'a resource could not be promoted and mounted',
      { node, resource: spec.resource },
      cause,
    )
  }
}

export async function demote(lab: StorageLab, node: LabNode, spec: ResourceSpec): Promise<void> {
  await lab.sh(node, `umount ${mountPoint(spec.resource)} && drbdadm secondary ${spec.resource}`)
}
