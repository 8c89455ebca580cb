/** Gets ready what a tier needs on this machine, or says in one line why it cannot run here. */
import { sayError } from '#kit/errors.ts'
import { ensurePackages, missingPackages, type Say } from '../setup/debian.ts'
import { whyNoNamespaces, whyNoTun, whyTooLittleDisk, whyTooLittleMemory } from '../setup/machine.ts'
import type { Tier } from './tier.ts'

const LAB_DISK_MIB = 3_000

/** One installation for all tiers; what fails here is asked for again, tier by tier, with its reason. */
export async function installForTiers(
  tiers: readonly Tier[],
  say: Say,
  signal: AbortSignal,
): Promise<string | undefined> {
  const parts = new Set(tiers.flatMap(tier => [...tier.parts, ...tier.wantedParts]))
  try {
    await ensurePackages([...parts], say, signal)
    return undefined
  } catch (error) {
    return sayError(error)
  }
}

/** Undefined when the tier can run. `whyNotInstalled` is what `installForTiers` gave. */
export async function whyNotHere(
  tier: Tier,
  root: string,
  whyNotInstalled: string | undefined,
  say: Say,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const missing = tier.parts.length === 0 ? [] : await missingPackages(tier.parts, signal)
    if (missing.length > 0) {
      return `without ${missing.map(({ name }) => name).join(' ')}: ${whyNotInstalled ?? 'not installed'}`
    }
    const lacking =
      whyTooLittleMemory(tier.memoryMiB) ??
      (tier.guests
        ? (whyNoTun() ?? (await whyNoNamespaces(signal)) ?? whyTooLittleDisk(root, LAB_DISK_MIB))
        : undefined)
    if (lacking !== undefined) return lacking
    if (tier.kubernetes) await buildKubernetes(say, signal)
    return undefined
  } catch (error) {
    return sayError(error)
  }
}

/** The first time on a machine this takes 10 to 12 minutes, so it is not left to the deadline of some test file. */
async function buildKubernetes(say: Say, signal: AbortSignal): Promise<void> {
  const { findBinary } = await import('../cluster/binary.ts')
  await findBinary(say, signal)
}
