/** Checks that this machine has what the lab needs, and says in one line what is missing. */
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { AppError } from '#kit/errors.ts'

/** Program → Debian package. The guests' root is this machine's own file system, so their programs count too. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'linux.uml': 'user-mode-linux',
  uml_mconsole: 'uml-utilities',
  drbdadm: 'drbd-utils',
  lvm: 'lvm2',
  dmsetup: 'dmsetup',
  thin_check: 'thin-provisioning-tools',
  ip: 'iproute2',
  tc: 'iproute2',
  ping: 'iputils-ping',
  insmod: 'kmod',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  taskset: 'util-linux',
  bash: 'bash',
}

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Where a program lies, looked up on PATH and in the system folders (an ordinary user's PATH lacks /usr/sbin). */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':').filter(Boolean), ...FOLDERS]
  return folders.map(folder => path.join(folder, name)).find(file => existsSync(file))
}

export function missingPackages(programs: Readonly<Record<string, string>> = PROGRAMS): string[] {
  const missing = Object.entries(programs).filter(([program]) => findProgram(program) === undefined)
  return [...new Set(missing.map(([, debianPackage]) => debianPackage))]
}

/** Why the lab cannot run here at all; undefined when nothing speaks against it. */
export function whyNoLab(): string | undefined {
  const packages = missingPackages()
  if (packages.length > 0) return `missing Debian packages: apt-get install ${packages.join(' ')}`
  if (!existsSync('/dev/net/tun')) return '/dev/net/tun does not exist: load the kernel module tun'
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return '/dev/net/tun may not be opened by this user: be root, or chmod 0666 /dev/net/tun'
  }
  return undefined
}

export function requireLab(): void {
  const why = whyNoLab()
  if (why !== undefined) throw new AppError('LAB_FAILED', why)
}
