/** The API calls of attaching and detaching, with the pauses that the real controller makes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import { at, type KubeObject, listAt, timestamp } from '../api/json.ts'
import { PATHS, pathOf, within } from './paths.ts'
import { attachmentName, type CsiVolume } from './pod-volumes.ts'
import type { World } from './world.ts'

/** Before its first look, and between looks. */
const LOOK_MS = 500
const LOOKS = 240

function failed(what: string, fields: Record<string, unknown>): AppError {
  return new AppError('API_REFUSED', what, fields)
}

async function look(
  world: World,
  path: string,
  isDone: (status: number, object: KubeObject) => boolean,
): Promise<void> {
  for (let i = 0; i < LOOKS; i++) {
    await sleep(LOOK_MS, undefined, { signal: world.signal })
    const { status, body } = await world.client.call({ method: 'GET', path })
    if (isDone(status, body)) return
  }
  throw new AppError('DEADLINE_PASSED', 'an attachment did not change in time', { path })
}

export async function attach(world: World, volume: CsiVolume, node: string): Promise<void> {
  const name = attachmentName(volume, node)
  const spec = { attacher: volume.driver, nodeName: node, source: { persistentVolumeName: volume.pv } }
  const made = await world.client.call({
    method: 'POST',
    path: PATHS.attachments,
    body: { metadata: { name }, spec },
  })
  if (made.status !== 201 && made.status !== 409)
    throw failed('an attachment could not be made', { name, status: made.status })
  await look(world, `${PATHS.attachments}/${name}`, (status, object) => {
    if (status === 404 || object.metadata.deletionTimestamp !== undefined)
      throw failed('the attachment was deleted', { name })
    return status === 200 && at(object, 'status', 'attached') === true
  })
}

/** With `isChecked` the node's own word counts once more, read anew. */
export async function detach(
  world: World,
  volume: CsiVolume,
  node: string,
  isChecked: boolean,
): Promise<void> {
  if (isChecked) {
    const { status, body } = await world.client.call({ method: 'GET', path: `${PATHS.nodes}/${node}` })
    if (status === 200 && listAt(body, 'status', 'volumesInUse').includes(volume.unique))
      throw failed('the volume is still in use', { node })
    if (status !== 200 && status !== 404) throw failed('the node could not be read', { node, status })
  }
  const path = `${PATHS.attachments}/${attachmentName(volume, node)}`
  const { status } = await world.client.call({ method: 'DELETE', path })
  if (status === 404) return
  if (status !== 200) throw failed('the attachment could not be deleted', { path, status })
  await look(world, path, code => code === 404)
}

/** Tells a node what is attached to it; undefined: nothing new. */
export async function report(world: World, node: string, uniques: readonly string[]): Promise<void> {
  const known = world.get('nodes', node)
  if (known === undefined) return
  const told = listAt(known, 'status', 'volumesAttached').map(each => String(at(each, 'name')))
  if (told.length === uniques.length && uniques.every(unique => told.includes(unique))) return
  const volumesAttached = uniques.map(name => ({ name, devicePath: '' }))
  const path = `${pathOf('nodes', known)}/status`
  const { status } = await world.client.call({
    method: 'PATCH',
    path,
    body: { status: { volumesAttached } },
    patch: 'merge-patch',
  })
  if (status !== 200) throw failed('the node status could not be written', { node, status })
}

export async function sayMultiAttach(world: World, pod: KubeObject, volume: CsiVolume): Promise<void> {
  const { name, namespace = 'default', uid } = pod.metadata
  const body = {
    metadata: { generateName: `${name}.` },
    involvedObject: { kind: 'Pod', name, namespace, uid, apiVersion: 'v1' },
    reason: 'FailedAttachVolume',
    message: `Multi-Attach error for volume "${volume.pv}" Volume is already exclusively attached to one node and can't be attached to another`,
    type: 'Warning',
    source: { component: 'attachdetach-controller' },
    firstTimestamp: timestamp(),
    lastTimestamp: timestamp(),
    count: 1,
  }
  await world.client.call({
    method: 'POST',
    path: within('pods', namespace).replace(/pods$/, 'events'),
    body,
  })
}
