/** Binds claims and volumes that name each other, as the volume binder does. */
import { at, type KubeObject, textAt } from '../api/json.ts'
import { pathOf } from './paths.ts'
import type { Controller, World } from './world.ts'

export const binder: Controller = {
  name: 'volume binder',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  async sync(world) {
    for (const claim of world.list('claims')) await bind(world, claim)
    return undefined
  },
}

async function bind(world: World, claim: KubeObject): Promise<void> {
  const volume = volumeFor(world, claim)
  if (volume === undefined || textAt(claim, 'status', 'phase') === 'Bound') return
  const { namespace, name, uid } = claim.metadata
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid }
  const merge = (path: string, body: object) =>
    world.client.call({ method: 'PATCH', path, body, patch: 'merge-patch' })
  await merge(pathOf('volumes', volume), { spec: { claimRef } })
  await merge(`${pathOf('volumes', volume)}/status`, { status: { phase: 'Bound' } })
  await merge(pathOf('claims', claim), { spec: { volumeName: volume.metadata.name } })
  const capacity = at(volume, 'spec', 'capacity') ?? {}
  const accessModes = at(volume, 'spec', 'accessModes') ?? []
  await merge(`${pathOf('claims', claim)}/status`, { status: { phase: 'Bound', capacity, accessModes } })
}

/** The volume that the claim names, or that names the claim; never one that belongs to another claim. */
function volumeFor(world: World, claim: KubeObject): KubeObject | undefined {
  const { namespace, name, uid } = claim.metadata
  const isOurs = (volume: KubeObject): boolean => {
    const owner = at(volume, 'spec', 'claimRef')
    const ownerUid = textAt(owner, 'uid')
    return (
      textAt(owner, 'namespace') === namespace &&
      textAt(owner, 'name') === name &&
      (ownerUid === undefined || ownerUid === uid)
    )
  }
  const wanted = textAt(claim, 'spec', 'volumeName')
  const candidates = world
    .list('volumes')
    .filter(volume => wanted === undefined || volume.metadata.name === wanted)
  return (
    candidates.find(isOurs) ??
    candidates.find(volume => wanted !== undefined && at(volume, 'spec', 'claimRef') === undefined)
  )
}
