/** What this machine can do: each check gives one clear line when it cannot, else undefined. */
import { closeSync, existsSync, openSync, readFileSync, statfsSync } from 'node:fs'
import { cpus } from 'node:os'
import { runProgram } from '../cluster/program.ts'

/** The lab's network cards. Opening it for writing is what the lab will do. */
export function whyNoTun(path = '/dev/net/tun'): string | undefined {
  if (!existsSync(path))
    return `${path} is missing (in a container: pass the device in, or mknod ${path} c 10 200)`
  try {
    closeSync(openSync(path, 'r+'))
    return undefined
  } catch (error) {
    return `${path} may not be opened (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
  }
}

/** Root has namespaces; anybody else needs user namespaces, which some kernels switch off. */
export async function whyNoNamespaces(signal: AbortSignal): Promise<string | undefined> {
  const isRoot = process.getuid?.() === 0
  const argv = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--net', 'true']
  const { status, stderr } = await runProgram(argv, { signal, deadlineMs: 10_000 })
  if (status === 0) return undefined
  const who = isRoot
    ? 'root may not make network namespaces'
    : 'user namespaces are not allowed; root could do without them'
  return `${who} (${stderr.trim().slice(0, 100)})`
}

/** Memory that can be had now, by the kernel's own estimate and the limit of our control group. */
export function freeMemoryMiB(meminfo = readFileSync('/proc/meminfo', 'latin1')): number {
  const kib = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0)
  return Math.floor(Math.min(kib / 1024, groupLimitMiB()))
}

/** Both generations of control groups; no limit is a huge number. */
function groupLimitMiB(): number {
  for (const [limitFile, usedFile] of [
    ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current'],
    ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory/memory.usage_in_bytes'],
  ] as const) {
    if (!existsSync(limitFile) || !existsSync(usedFile)) continue
    const limit = Number(readFileSync(limitFile, 'latin1'))
    if (Number.isFinite(limit)) return (limit - Number(readFileSync(usedFile, 'latin1'))) / 2 ** 20
  }
  return Number.POSITIVE_INFINITY
}

export function whyTooLittleMemory(neededMiB: number, free = freeMemoryMiB()): string | undefined {
  return free >= neededMiB ? undefined : `${neededMiB} MiB of memory are needed, ${free} MiB are free`
}

export function whyTooLittleDisk(dir: string, neededMiB: number): string | undefined {
  const { bavail, bsize } = statfsSync(dir)
  const free = Math.floor((bavail * bsize) / 2 ** 20)
  return free >= neededMiB ? undefined : `${neededMiB} MiB of disk are needed in ${dir}, ${free} MiB are free`
}

/** How many test programs may run side by side: one more than processors, since many of them wait for time to pass. */
export function testSlots(): number {
  return Math.min(4, cpus().length) + 1
}
