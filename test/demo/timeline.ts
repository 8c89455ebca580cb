/** Events of several sources, each with wall-clock milliseconds, become one timeline in milliseconds since the fault. */
import { PHASES, type Phase, type PhasesMs } from './phases.ts'

/** Wall-clock milliseconds of this machine; guests' clocks are corrected before they get here. */
export type WallMs = number

export interface Happening {
  readonly at: WallMs
  readonly phase: Phase
  /** The node that saw or did it, or `api`. */
  readonly where: string
  readonly detail?: string
}

export interface Entry {
  readonly phase: Phase
  readonly ms: number
  readonly where: string
  readonly detail?: string
}

/**
 * A guest's clock is known to a few milliseconds only, and a kernel reports a dead disk within one: what seems to
 * come this little before the fault belongs to it, at 0.
 */
export const CLOCK_SLACK_MS = 20

/** The first happening of each phase since the fault, in order of time (phases of one instant in their natural order). */
export function timeline(faultAt: WallMs, happenings: readonly Happening[]): Entry[] {
  const first = new Map<Phase, Happening>()
  for (const happening of happenings) {
    if (happening.at < faultAt - CLOCK_SLACK_MS) continue
    const known = first.get(happening.phase)
    if (known === undefined || happening.at < known.at) first.set(happening.phase, happening)
  }
  return [...first.values()]
    .map(({ at, phase, where, detail }) => ({
      phase,
      where,
      ms: Math.max(0, Math.round(at - faultAt)),
      ...(detail === undefined ? {} : { detail }),
    }))
    .sort((a, b) => a.ms - b.ms || PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
}

/** Every phase by its key, null where it did not happen. */
export function phasesMs(entries: readonly Entry[]): PhasesMs {
  const ms = Object.fromEntries(PHASES.map(phase => [phase, null])) as Record<Phase, number | null>
  for (const entry of entries) ms[entry.phase] = entry.ms
  return ms
}
