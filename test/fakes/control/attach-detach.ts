/** Attaches volumes to the nodes of their pods and detaches them elsewhere, in the way of the real controller. */
import { at, type KubeObject, listAt, textAt } from '../api/json.ts'
import { attach, detach, report, sayMultiAttach } from './attach-calls.ts'
import { type Attached, AttachState } from './attach-state.ts'
import {
  attachmentName,
  type CsiVolume,
  conditionOf,
  csiOf,
  isAttachable,
  isShared,
  isTerminated,
  volumesOf,
} from './pod-volumes.ts'
import type { Controller, World } from './world.ts'

export interface AttachDetachOptions {
  /** How often it compares its belief with the VolumeAttachments: the only time it looks at them. */
  readonly resyncMs?: number
  /** How long the volumes of an unhealthy node are waited for. */
  readonly forceMs?: number
}

interface Wanted {
  readonly volume: CsiVolume
  readonly node: string
  readonly pod: KubeObject
  readonly isShared: boolean
}

const LOOP_MS = 100
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

export function attachDetach({ resyncMs = 60_000, forceMs = 360_000 }: AttachDetachOptions = {}): Controller {
  const state = new AttachState()
  const complained = new Set<string>()
  let lastSyncMs = performance.now()
  let isPopulated = false
  return {
    name: 'attach/detach controller',
    user: 'system:serviceaccount:kube-system:attachdetach-controller',
    async sync(world) {
      for (const node of world.list('nodes')) state.hear(node)
      if (!isPopulated) populate(world, state)
      isPopulated = true
      const wanted = wantedIn(world)
      for (const each of state.all()) {
        const isWanted = wanted.some(
          ({ volume, node }) => volume.unique === each.volume.unique && node === each.node,
        )
        if (!isWanted) await considerDetach(world, state, each, forceMs)
      }
      for (const each of wanted) await considerAttach(world, state, each, complained)
      await reportAll(world, state)
      if (performance.now() - lastSyncMs > resyncMs) {
        lastSyncMs = performance.now()
        for (const each of state.all()) if (!hasAttachment(world, each)) state.forget(each)
      }
      return LOOP_MS
    },
  }
}

function wantedIn(world: World): Wanted[] {
  return world.list('pods').flatMap(pod => {
    const node = textAt(pod, 'spec', 'nodeName')
    if (node === undefined || isTerminated(pod)) return []
    return (volumesOf(pod, world) ?? []).flatMap(pv => {
      const volume = csiOf(pv)
      if (volume === undefined || !isAttachable(world.get('drivers', volume.driver))) return []
      return [{ volume, node, pod, isShared: isShared(pv) }]
    })
  })
}

function hasAttachment(world: World, { volume, node }: Attached): boolean {
  return at(world.get('attachments', attachmentName(volume, node)), 'status', 'attached') === true
}

/** After a start: what nodes were told is attached, and attachments that nobody was told of. */
function populate(world: World, state: AttachState): void {
  const byUnique = new Map(
    world.list('volumes').flatMap(pv => (csiOf(pv) ? [[csiOf(pv)?.unique, csiOf(pv)] as const] : [])),
  )
  for (const node of world.list('nodes')) {
    for (const entry of listAt(node, 'status', 'volumesAttached')) {
      const volume = byUnique.get(textAt(entry, 'name'))
      if (volume !== undefined) state.mark(volume, node.metadata.name, true)
    }
  }
  for (const attachment of world.list('attachments')) {
    const pv = world.get('volumes', textAt(attachment, 'spec', 'source', 'persistentVolumeName') ?? '')
    const volume = pv === undefined ? undefined : csiOf(pv)
    const node = textAt(attachment, 'spec', 'nodeName') ?? ''
    if (volume !== undefined && state.get(volume, node) === undefined) state.mark(volume, node, false)
  }
}

async function considerDetach(
  world: World,
  state: AttachState,
  each: Attached,
  forceMs: number,
): Promise<void> {
  const { volume, node } = each
  if (!state.mayWork(volume.unique)) return
  each.detachAskedAtMs ??= performance.now()
  const object = world.get('nodes', node)
  const isOverdue = performance.now() - each.detachAskedAtMs > forceMs
  const isForced = isOverdue && conditionOf(object, 'Ready') !== 'True'
  const isOutOfService = listAt(object, 'spec', 'taints').some(
    taint => textAt(taint, 'key') === OUT_OF_SERVICE,
  )
  if (state.isInUse(each) && !isForced && !isOutOfService) return
  each.isReported = false
  await reportAll(world, state)
  const work = async (): Promise<void> => {
    try {
      await detach(world, volume, node, !(isOverdue || isOutOfService))
      state.forget(each)
    } catch (error) {
      each.isConfirmed = false
      throw error
    }
  }
  void state.work(volume.unique, work)
}

async function considerAttach(
  world: World,
  state: AttachState,
  wanted: Wanted,
  complained: Set<string>,
): Promise<void> {
  const { volume, node, pod } = wanted
  if (state.get(volume, node)?.isConfirmed === true || !state.mayWork(volume.unique)) return
  const elsewhere = state
    .all()
    .some(each => each.volume.unique === volume.unique && each.node !== node && each.isConfirmed)
  if (elsewhere && !wanted.isShared) {
    const key = `${pod.metadata.uid} ${volume.unique}`
    if (!complained.has(key)) await sayMultiAttach(world, pod, volume)
    complained.add(key)
    return
  }
  const work = async (): Promise<void> => {
    try {
      await attach(world, volume, node)
      state.mark(volume, node, true)
    } catch (error) {
      state.mark(volume, node, false)
      throw error
    }
  }
  void state.work(volume.unique, work)
}

async function reportAll(world: World, state: AttachState): Promise<void> {
  for (const { metadata } of world.list('nodes')) {
    const attached = state.all().filter(each => each.node === metadata.name && each.isReported)
    await report(
      world,
      metadata.name,
      attached.map(each => each.volume.unique),
    )
  }
}
