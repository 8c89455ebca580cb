/** The container disk that every node starts with: images imported once, kept in the user's cache directory. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeArchive } from '../../deploy/images/archive.ts'
import { cached, cacheRoot, checkFreeBytes, hashOf } from './cache.ts'
import { importImages } from './guest-node.ts'
import type { BaseImages } from './images.ts'
import type { OpenClusterLab } from './lab-port.ts'
import { CONTAINERD } from './node-config.ts'
import { mustRun } from './program.ts'

const GUEST = 'n1'
const DISK_BYTES = 1 << 30
const MIB = 1 << 20

/** Path of a sparse ext4 image; 15 to 20 s when it has to be made. */
export async function findTemplate(
  base: BaseImages,
  openLab: OpenClusterLab,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const script = await readFile(join(import.meta.dirname, 'guest/node.sh'))
  const name = `containers-${hashOf([base.hash, CONTAINERD, script, String(DISK_BYTES)])}`
  const make = async (dir: string) => {
    await checkFreeBytes(cacheRoot(), 700 * MIB, 'the container disk of the test nodes')
    say('making the container disk of the nodes (once for each set of images)')
    const archive = join(dir, 'base.tar')
    const config = join(dir, 'config')
    await mkdir(config)
    await writeFile(join(config, 'containerd.toml'), CONTAINERD)
    await writeArchive(archive, base.images)
    await using lab = await openLab({ nodes: [GUEST], memoryMib: 512 }, signal)
    await mustRun(['truncate', '-s', String(DISK_BYTES), lab.containerDisk(GUEST)], {
      signal,
      deadlineMs: 10_000,
    })
    await lab.boot(GUEST)
    await importImages(lab, { node: GUEST, config }, [archive])
    await lab.halt(GUEST)
    await copySparse(lab.containerDisk(GUEST), join(dir, 'disk.ext4'), signal)
    await Promise.all([rm(archive), rm(config, { recursive: true })])
  }
  return join(await cached(name, make, signal), 'disk.ext4')
}

/** Holes stay holes; a file system that can share blocks does. */
export async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  await mustRun(['cp', '--sparse=always', '--reflink=auto', from, to], { signal, deadlineMs: 120_000 })
}
