/** The two images that Hawser ships, made from the sources as they are. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Image, type Layer, toLayer } from './archive.ts'
import { APP, bundle, compileStatic, fileEntry, koffiEntries } from './layers.ts'
import { layerTar, type TarEntry } from './tar.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Where the agent's image keeps the fence-peer handler; the agent puts it on the node. */
export const FENCE_PEER_PATH = `${APP}/fence-peer`

export async function imageTag(): Promise<string> {
  return JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')).version
}

export const AGENT_IMAGE = 'hawser.io/hawser-agent'
export const COORDINATOR_IMAGE = 'hawser.io/hawser-coordinator'

export async function agentImage(node: Layer, signal: AbortSignal): Promise<Image> {
  const helper = join(ROOT, 'native/helper/fence-peer.c')
  const entries: TarEntry[] = [
    { kind: 'file', path: `${APP}/agent.mjs`, data: await bundle('agent/main.ts'), mode: 0o644 },
    await fileEntry(join(ROOT, 'deploy/images/run-agent.sh'), `${APP}/run-agent`, 0o755),
    ...(await koffiEntries()),
  ]
  if (existsSync(helper))
    entries.push({
      kind: 'file',
      path: FENCE_PEER_PATH,
      data: await compileStatic(helper, signal),
      mode: 0o755,
    })
  const cli = join(ROOT, 'agent/cli/hawser.ts')
  if (existsSync(cli))
    entries.push({ kind: 'file', path: `${APP}/hawser.mjs`, data: await bundle(cli), mode: 0o644 })
  return image(AGENT_IMAGE, [node, toLayer(layerTar(entries))], 'agent.mjs')
}

export async function coordinatorImage(node: Layer): Promise<Image> {
  const data = await bundle('coordinator/main.ts')
  const layer = toLayer(layerTar([{ kind: 'file', path: `${APP}/coordinator.mjs`, data, mode: 0o644 }]))
  return image(COORDINATOR_IMAGE, [node, layer], 'coordinator.mjs')
}

async function image(name: string, layers: readonly Layer[], main: string): Promise<Image> {
  return {
    name: `${name}:${await imageTag()}`,
    layers,
    entrypoint: ['/bin/node', `/${APP}/${main}`],
    env: ['NODE_ENV=production'],
  }
}
