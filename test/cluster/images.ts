/** The container images of the test cluster, from local files: what a node always has, and what changes with our sources. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Image, type Layer, toLayer, writeArchive } from '../../deploy/images/archive.ts'
import { APP, bundle, compileStatic, nodeLayer } from '../../deploy/images/layers.ts'
import { agentImage, coordinatorImage } from '../../deploy/images/product.ts'
import { layerTar, type TarEntry } from '../../deploy/images/tar.ts'
import { hashOf } from './cache.ts'
import { PAUSE_IMAGE } from './node-config.ts'

/** Node, the CSI plugin and the oracle's writer. */
export const TEST_IMAGE = 'test.local/hawser-test:1'
/** Only Node and a shell: its layer is the lower one of all others. */
export const BASE_IMAGE = 'test.local/base:1'

const ROOT = join(import.meta.dirname, '../..')

/** Images that a node has from its first moment, on the template of its container disk. */
export interface BaseImages {
  readonly images: readonly Image[]
  readonly node: Layer
  /** Changes with any byte of them. */
  readonly hash: string
}

export async function baseImages(signal: AbortSignal): Promise<BaseImages> {
  const node = await nodeLayer(signal)
  const program = await compileStatic(join(import.meta.dirname, 'pause.c'), signal)
  const pause = toLayer(layerTar([{ kind: 'file', path: 'pause', data: program, mode: 0o755 }]))
  const images = [
    { name: PAUSE_IMAGE, layers: [pause], entrypoint: ['/pause'] },
    { name: BASE_IMAGE, layers: [node], entrypoint: ['/bin/node'] },
  ]
  return {
    images,
    node,
    hash: hashOf([pause.digest, node.digest, JSON.stringify(images.map(({ name }) => name))]),
  }
}

/** Writes what changes from run to run: small, because the layer of Node is on the template already. */
export async function writeAppArchive(file: string, base: BaseImages, signal: AbortSignal): Promise<void> {
  const has = (path: string) => existsSync(join(ROOT, path))
  const images = [await testImage(base.node)]
  if (has('agent/main.ts')) images.push(await agentImage(base.node, signal))
  if (has('coordinator/main.ts')) images.push(await coordinatorImage(base.node))
  await writeArchive(file, images, { without: [base.node] })
}

async function testImage(node: Layer): Promise<Image> {
  const plugin = await bundle('test/csi/plugin.ts')
  const entries: TarEntry[] = [{ kind: 'file', path: `${APP}/csi-plugin.mjs`, data: plugin, mode: 0o644 }]
  const writer = join(ROOT, 'test/lab/oracle/writer.mjs')
  if (existsSync(writer))
    entries.push({ kind: 'file', path: `${APP}/writer.mjs`, data: await readFile(writer), mode: 0o644 })
  const layer = layerTar(entries)
  return { name: TEST_IMAGE, layers: [node, toLayer(layer)], entrypoint: ['/bin/node'] }
}
