/** What agents and node plugins say of themselves, read into the words of the demo. Pure; times stay those of their node. */
import { z } from 'zod'
import { DecisionsSchema, StatusSchema } from '#protocol/status.ts'
import type { Phase } from './phases.ts'
import type { Happening } from './timeline.ts'

const StandingSchema = StatusSchema.pick({ watchdog: true, lease: true }).extend({
  watchdog: StatusSchema.shape.watchdog.pick({ device: true, armed: true, failure: true }),
  lease: StatusSchema.shape.lease.pick({ held: true, because: true }),
})

/** What the probe passes on of `GET /v1/status`, in a few words; `armed` is as it should be. */
export function agentWord(text: string): string {
  const { watchdog, lease } = StandingSchema.parse(JSON.parse(text))
  if (!watchdog.armed) return `not armed: ${watchdog.failure ?? watchdog.device}`
  return lease.held ? 'armed' : `no lease: ${lease.because}`
}

/** Topic and verdict of a decision about the lost node, and the phase that it is. */
const DECIDED: Readonly<Record<string, Phase>> = {
  'suspicion suspected': 'suspected',
  'proof over': 'proven',
}

/** `GET /v1/decisions` of the agent on `node`, as far as they are about the victim. */
export function agentHappenings(text: string, node: string, victim: string): Happening[] {
  const { decisions } = DecisionsSchema.parse(JSON.parse(text))
  return decisions.flatMap(({ at, topic, subject, verdict, because }) => {
    const phase = DECIDED[`${topic} ${verdict}`]
    if (phase === undefined || subject !== victim) return []
    return [{ at: Date.parse(at), phase, where: node, detail: because }]
  })
}

const StepSchema = z.object({ step: z.string(), ms: z.number() })
const STEPS: Readonly<Record<string, Phase>> = { promoted: 'promoted', mounted: 'mounted' }

/** Lines that the CSI plugin wrote. The file holds other lines too, and its last one may be half written. */
export function pluginHappenings(text: string, node: string): Happening[] {
  return text.split('\n').flatMap(line => {
    const parsed = StepSchema.safeParse(readJson(line))
    const phase = parsed.success ? STEPS[parsed.data.step] : undefined
    return phase === undefined || !parsed.success ? [] : [{ at: parsed.data.ms, phase, where: node }]
  })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
