/** The user's cache directory: things that are made once a machine, under names that carry a hash of what they were made from. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AppError } from '#kit/errors.ts'

export function cacheRoot(): string {
  // Go keeps to the same rule: an empty or relative value does not count
  const wished = process.env['XDG_CACHE_HOME'] ?? ''
  return join(wished.startsWith('/') ? wished : join(homedir(), '.cache'), 'hawser')
}

/** Twelve hexadecimal digits that change when any of the parts does. */
export function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('hex').slice(0, 12)
}

/**
 * The folder `name` of the cache; `make` fills a new one when it is missing. It appears under its name only when it is
 * whole, and two runs do not both make it: the second waits for the first.
 */
export async function cached(
  name: string,
  make: (dir: string) => Promise<void>,
  signal: AbortSignal,
): Promise<string> {
  const target = join(cacheRoot(), name)
  if (existsSync(target)) return target
  await mkdir(dirname(target), { recursive: true })
  await using _lock = await openLock(`${target}.lock`, signal)
  if (existsSync(target)) return target
  const fresh = await mkdtemp(`${target}.tmp-`)
  try {
    await make(fresh)
    await rename(fresh, target)
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true })
    throw cause
  }
  return target
}

/** Keeps the `keep` newest folders whose name begins with `prefix`: what changes with our sources must not fill the disk. */
export async function pruneCache(prefix: string, keep: number): Promise<void> {
  const names = (await readdir(cacheRoot())).filter(name => name.startsWith(prefix) && !name.includes('.'))
  const aged = await Promise.all(
    names.map(async name => ({ name, at: (await stat(join(cacheRoot(), name))).mtimeMs })),
  )
  const old = aged.sort((a, b) => b.at - a.at).slice(keep)
  await Promise.all(old.map(({ name }) => rm(join(cacheRoot(), name), { recursive: true, force: true })))
}

export async function checkFreeBytes(dir: string, bytes: number, what: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize >= bytes) return
  const mib = (n: number) => Math.round(n / (1 << 20))
  throw new AppError('MACHINE_TOO_SMALL', 'not enough free disk', {
    what,
    dir,
    freeMib: mib(bavail * bsize),
    neededMib: mib(bytes),
  })
}

/** `flock` holds the lock while its child lives, and that child ends with our end of the pipe: also when we are killed. */
async function openLock(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const holder = spawn('flock', ['-x', path, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'], signal })
  const failed = once(holder, 'error').then(([error]) => {
    throw error
  })
  failed.catch(() => {})
  holder.stdin.on('error', () => {})
  holder.stdin.write('held\n')
  await Promise.race([once(holder.stdout, 'data'), failed])
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(holder, 'close')
      holder.stdin.end()
      await closed
    },
  }
}
