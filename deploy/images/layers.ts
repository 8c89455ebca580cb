/** The layers of Hawser's images: Node with its libraries and a shell below, one bundle of our code above. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { AppError } from '#kit/errors.ts'
import { type Layer, toLayer } from './archive.ts'
import { layerTar, type TarEntry } from './tar.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const EXECUTABLE = 0o755
const PLAIN = 0o644

/** The folder of everything that is ours in an image; manifests and the agent's defaults name it. */
export const APP = 'hawser'

export async function fileEntry(source: string, path: string, mode = PLAIN): Promise<TarEntry> {
  return { kind: 'file', path, data: await readFile(source), mode }
}

/** Node 24 from the npm package `node`, the shared libraries it asks for, and busybox as shell and tools. */
export async function nodeLayer(signal: AbortSignal): Promise<Layer> {
  const node = join(ROOT, 'node_modules/node/bin/node')
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync)
  if (!existsSync(node))
    throw new AppError('PROGRAM_FAILED', 'the npm package node is not installed: run npm install', { node })
  if (busybox === undefined)
    throw new AppError('PROGRAM_FAILED', 'busybox is missing: install the Debian package busybox-static', {})
  const limits = { timeout: 30_000, maxBuffer: 1 << 20, signal }
  const libraries = (await run('ldd', [node], limits)).stdout.matchAll(/(\/\S+) \(0x/g)
  const applets = (await run(busybox, ['--list'], limits)).stdout.trim().split('\n')
  return toLayer(
    layerTar([
      await fileEntry(node, 'bin/node', EXECUTABLE),
      await fileEntry(busybox, 'bin/busybox', EXECUTABLE),
      ...applets
        .filter(name => name !== 'busybox' && name !== 'nice')
        .map((name): TarEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
      ...(await Promise.all(
        [...libraries].map(([, path = '']) => fileEntry(path, path.slice(1), EXECUTABLE)),
      )),
      // Debian's busybox has none, and run-agent puts the agent first in the run queue
      await fileEntry('/usr/bin/nice', 'bin/nice', EXECUTABLE),
      { kind: 'file', path: 'etc/passwd', data: Buffer.from('root:x:0:0:root:/:/bin/sh\n'), mode: PLAIN },
      { kind: 'folder', path: 'tmp', mode: 0o1777 },
    ]),
  )
}

/** One file of JavaScript from an entry point and everything it imports; koffi stays outside, it loads a binary. */
export async function bundle(entry: string): Promise<Buffer> {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['koffi'],
    legalComments: 'none',
    // a third of the size, which counts when a process starts; names stay, so that stack traces can be read
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'silent',
    // packages written for CommonJS call require() for Node's own modules
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  })
  const [output] = result.outputFiles
  if (!output) throw new AppError('PROGRAM_FAILED', 'esbuild made no file', { entry })
  return Buffer.from(output.contents)
}

/** What koffi needs at run time, beside the bundle. */
export async function koffiEntries(): Promise<TarEntry[]> {
  const platform = process.arch === 'arm64' ? 'arm64' : 'x64'
  const files = [
    ...['package.json', 'index.js', 'index.cjs', 'lib', 'src'].map(name => `koffi/${name}`),
    ...['package.json', 'index.js', `linux_${platform}`].map(
      name => `@koromix/koffi-linux-${platform}/${name}`,
    ),
  ]
  const found = await Promise.all(
    files.map(name => filesUnder(join(ROOT, 'node_modules', name), `${APP}/node_modules/${name}`)),
  )
  return found.flat().filter(entry => /\.(c?js|json|node)$/.test(entry.path))
}

async function filesUnder(source: string, path: string): Promise<TarEntry[]> {
  if (!existsSync(source)) return []
  if ((await stat(source)).isFile()) return [await fileEntry(source, path)]
  const names = (await readdir(source)).sort()
  return (await Promise.all(names.map(name => filesUnder(join(source, name), `${path}/${name}`)))).flat()
}

/** A C program without libraries, so that it runs in any root file system (DRBD handlers run on the node itself). */
export async function compileStatic(source: string, signal: AbortSignal): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'hawser-cc-'))
  try {
    const output = join(work, 'out')
    const args = ['-static', '-O2', '-s', '-Wl,--build-id=none', '-o', output, source]
    await run('gcc', args, { timeout: 120_000, maxBuffer: 1 << 20, signal, cwd: dirname(source) })
    return await readFile(output)
  } catch (cause) {
    throw new AppError(
      'PROGRAM_FAILED',
      'a C program could not be compiled (Debian packages gcc and libc6-dev)',
      { source },
      cause,
    )
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
