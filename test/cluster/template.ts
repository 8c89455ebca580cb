/** The container disk that every node starts with: images imported once, kept in the user's cache directory. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { writeArchive } from '../../deploy/images/archive.ts'
import { runInside } from '../lab/inside.ts'
import { cached, cacheRoot, checkFreeBytes, hashOf, pruneCache } from './cache.ts'
import type { BaseImages } from './images.ts'
import { CONTAINERD } from './node-config.ts'

const MIB = 1 << 20
const PREFIX = 'containers-'
/** More than one, for two checkouts that are worked at in turn. */
const KEPT = 3
const MAKER = join(import.meta.dirname, 'template-maker.ts')

/** Path of a sparse ext4 image; when it has to be made, a guest in namespaces of its own does it in 15 to 20 s. */
export async function findTemplate(
  base: BaseImages,
  kubehost: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const script = await readFile(join(import.meta.dirname, 'guest/node.sh'))
  const name = `${PREFIX}${hashOf([base.hash, CONTAINERD, script])}`
  const make = async (dir: string) => {
    await checkFreeBytes(cacheRoot(), 700 * MIB, 'the container disk of the test nodes')
    say('making the container disk of the nodes (once for each set of images)')
    const work = await mkdtemp(join(tmpdir(), 'hawser-template-'))
    try {
      await writeFile(join(work, 'containerd.toml'), CONTAINERD)
      await writeArchive(join(work, 'base.tar'), base.images)
      const status = await runInside([process.execPath, MAKER, work, join(dir, 'disk.ext4'), kubehost])
      if (status !== 0) throw new AppError('LAB_FAILED', 'the container disk could not be made', { status })
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  const dir = await cached(name, make, signal)
  await pruneCache(PREFIX, KEPT)
  return join(dir, 'disk.ext4')
}
