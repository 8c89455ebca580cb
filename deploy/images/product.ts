/** The two images that Hawser ships, made from the sources as they are. */
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Image, type Layer, toLayer } from './archive.ts'
import { APP, bundle, compileStatic, fileEntry, koffiEntries } from './layers.ts'
import { layerTar, type TarEntry } from './tar.ts'

export const AGENT_IMAGE = 'hawser.io/hawser-agent'
export const COORDINATOR_IMAGE = 'hawser.io/hawser-coordinator'

const ROOT = join(import.meta.dirname, '../..')
const CLI = join(ROOT, 'agent/cli/main.ts')

/** The agent, what starts it again, its C helpers, and `hawser status`. */
export async function agentImage(node: Layer, signal: AbortSignal): Promise<Image> {
  const helpers = globSync('native/programs/*.c', { cwd: ROOT }).sort()
  const entries = await Promise.all([
    script('agent.mjs', 'agent/main.ts'),
    fileEntry(join(import.meta.dirname, 'run-agent.sh'), `${APP}/run-agent`, 0o755),
    script('hawser.mjs', CLI),
    commandEntry(),
    ...helpers.map(async (source): Promise<TarEntry> => {
      const data = await compileStatic(join(ROOT, source), signal)
      return { kind: 'file', path: `${APP}/${basename(source, '.c')}`, data, mode: 0o755 }
    }),
  ])
  const layer = toLayer(layerTar([...entries, ...(await koffiEntries())]))
  return image(AGENT_IMAGE, [node, layer], ['/bin/sh', `/${APP}/run-agent`])
}

/** `kubectl exec -n hawser POD -- hawser status` */
async function commandEntry(): Promise<TarEntry> {
  const data = Buffer.from(`#!/bin/sh\nexec /bin/node /${APP}/hawser.mjs "$@"\n`)
  return { kind: 'file', path: 'bin/hawser', data, mode: 0o755 }
}

export async function coordinatorImage(node: Layer): Promise<Image> {
  const layer = toLayer(layerTar([await script('coordinator.mjs', 'coordinator/main.ts')]))
  return image(COORDINATOR_IMAGE, [node, layer], ['/bin/node', `/${APP}/coordinator.mjs`])
}

async function script(name: string, entry: string): Promise<TarEntry> {
  return { kind: 'file', path: `${APP}/${name}`, data: await bundle(entry), mode: 0o644 }
}

async function image(name: string, layers: readonly Layer[], entrypoint: readonly string[]): Promise<Image> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return { name: `${name}:${version}`, layers, entrypoint, env: ['NODE_ENV=production'] }
}
