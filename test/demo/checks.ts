/** What must be true of this machine before anything is started: installs what is missing, refuses in one line. */
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '#kit/errors.ts'
import { binaryName } from '../cluster/binary.ts'
import { cacheRoot } from '../cluster/cache.ts'
import { ensurePackages, type Say } from '../setup/debian.ts'
import { whyNoNamespaces, whyNoTun, whyTooLittleMemory } from '../setup/machine.ts'
import type { ClusterKind, DemoOptions } from './arguments.ts'

/** Measured: a guest with agent and writer takes about 300 MiB of this machine, one with a kubelet 640; the rest is ours. */
const GUEST_MIB: Readonly<Record<ClusterKind, number>> = { embedded: 400, real: 750 }
const OWN_MIB: Readonly<Record<ClusterKind, number>> = { embedded: 400, real: 1800 }

export async function isRealBuilt(): Promise<boolean> {
  return existsSync(join(cacheRoot(), await binaryName(), 'kubehost'))
}

/** A file that cannot be written is found out now, not after the run. */
function checkWritable(option: string, file: string | undefined): void {
  if (file === undefined) return
  const folder = dirname(resolve(file))
  try {
    accessSync(folder, constants.W_OK)
    if (existsSync(file)) accessSync(file, constants.W_OK)
  } catch {
    throw new AppError('ARGUMENT_INVALID', `--${option}: ${file} cannot be written`)
  }
}

export async function checkMachine(
  options: DemoOptions,
  kind: ClusterKind,
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  checkWritable('svg', options.svg)
  checkWritable('json', options.json)
  const tooLittle = whyTooLittleMemory(OWN_MIB[kind] + options.nodes * GUEST_MIB[kind])
  if (tooLittle !== undefined) throw new AppError('MACHINE_TOO_SMALL', tooLittle)
  await ensurePackages(kind === 'real' ? ['lab', 'cluster'] : ['lab'], say, signal)
  const why = whyNoTun() ?? (await whyNoNamespaces(signal))
  if (why !== undefined) throw new AppError('RIGHTS_MISSING', why)
}
