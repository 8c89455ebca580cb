/** Installs the Debian packages that a part of the lab needs: only missing ones, with a line for each on what and why. */
import { existsSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'
import { type ProgramResult, runProgram } from '../cluster/program.ts'
import { type Package, type PartName, packagesOf } from './debian-parts.ts'
import { forbidServiceStarts } from './service-policy.ts'

export type Say = (line: string) => void

const MINUTE = 60_000
const ENV = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
/** Waits for another apt instead of failing at once; does not wait for ever on a dead mirror. */
const APT = [
  'apt-get',
  '-q',
  '-o',
  'DPkg::Lock::Timeout=300',
  '-o',
  'Acquire::Retries=3',
  '-o',
  'Acquire::http::Timeout=60',
] as const

/** The packages of `parts` that are not installed here. */
export async function missingPackages(
  parts: readonly PartName[],
  signal: AbortSignal,
): Promise<readonly Package[]> {
  const wanted = packagesOf(parts)
  if (wanted.length === 0) return []
  if (!existsSync('/usr/bin/dpkg-query')) {
    throw new AppError(
      'PROGRAM_FAILED',
      'this is not Debian (no dpkg-query), so its packages cannot be looked up',
    )
  }
  // Status 1 only says that some are unknown; what is printed counts.
  const { stdout } = await runProgram(
    [
      'dpkg-query',
      '-W',
      '-f',
      '$' + '{Package} $' + '{db:Status-Status}\n',
      ...wanted.map(({ name }) => name),
    ],
    { signal, deadlineMs: MINUTE, env: ENV },
  )
  const installed = new Set(
    stdout
      .split('\n')
      .filter(line => line.endsWith(' installed'))
      .map(line => line.split(' ')[0]),
  )
  return wanted.filter(({ name }) => !installed.has(name))
}

/** Makes sure of all packages of `parts`; gives those that were installed now. */
export async function ensurePackages(
  parts: readonly PartName[],
  say: Say,
  signal: AbortSignal,
): Promise<readonly Package[]> {
  const missing = await missingPackages(parts, signal)
  if (missing.length === 0) return missing
  const names = missing.map(({ name }) => name)
  if (process.getuid?.() !== 0) {
    throw new AppError(
      'RIGHTS_MISSING',
      `Debian packages are missing and installing them needs root: apt-get install --no-install-recommends ${names.join(' ')}`,
    )
  }
  for (const { name, why } of missing) say(`Debian package ${name}: ${why}`)
  // An old list names files that the mirror no longer has, and a fresh container has no list at all.
  const update = await runProgram([...APT, 'update'], { signal, deadlineMs: 5 * MINUTE, env: ENV })
  const install = await installQuietly(names, signal)
  if (install.status !== 0) {
    throw new AppError('PROGRAM_FAILED', 'Debian packages could not be installed', {
      packages: names.join(' '),
      status: install.status,
      output: lastErrors(install, update),
    })
  }
  const still = await missingPackages(parts, signal)
  if (still.length > 0) {
    throw new AppError('PROGRAM_FAILED', 'apt-get ended well, but packages are still missing', {
      packages: still.map(({ name }) => name).join(' '),
    })
  }
  return missing
}

/** Without the services of the packages: nobody here uses them. */
async function installQuietly(names: readonly string[], signal: AbortSignal): Promise<ProgramResult> {
  using _policy = forbidServiceStarts()
  return await runProgram([...APT, '-y', '--no-install-recommends', 'install', ...names], {
    signal,
    deadlineMs: 15 * MINUTE,
    env: ENV,
  })
}

/** What apt-get said was wrong, at most a few lines. */
function lastErrors(...results: readonly ProgramResult[]): string {
  const lines = results.flatMap(({ stderr }) => stderr.split('\n')).filter(line => /^(E|dpkg):/.test(line))
  return lines.slice(0, 4).join(' | ')
}
