/** The phases of a failover and the faults of the demo: their order, their keys in JSON, their words on screen. */

export const PHASES = [
  'kernelEvent',
  'suspected',
  'proven',
  'podDeleted',
  'attachmentFreed',
  'rescheduled',
  'promoted',
  'mounted',
  'firstWrite',
] as const
export type Phase = (typeof PHASES)[number]

export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  kernelEvent: 'kernel event',
  suspected: 'suspected',
  proven: 'proven dead',
  podDeleted: 'pod deleted',
  attachmentFreed: 'attachment freed',
  rescheduled: 'replacement scheduled',
  promoted: 'promoted',
  mounted: 'mounted',
  firstWrite: 'first new write',
}

export const FAULTS = ['power', 'isolate', 'freeze', 'kill-agent', 'disk-error'] as const
export type Fault = (typeof FAULTS)[number]

export function isFault(word: string): word is Fault {
  return (FAULTS as readonly string[]).includes(word)
}

/** What is done to the node, for a headline. */
export const FAULT_WORDS: Readonly<Record<Fault, string>> = {
  power: 'power cut',
  isolate: 'networks cut',
  freeze: 'frozen',
  'kill-agent': 'agent killed',
  'disk-error': 'disk fails',
}

/** Whether the pod is meant to move. After the other faults it must stay where it is. */
export const MOVES_POD: Readonly<Record<Fault, boolean>> = {
  power: true,
  isolate: true,
  freeze: true,
  'kill-agent': false,
  'disk-error': false,
}

/** Milliseconds since the fault; null: did not happen. */
export type PhasesMs = Readonly<Record<Phase, number | null>>

/** The shape of `--json`, for one run. */
export interface RunReport {
  readonly fault: Fault
  readonly acknowledged: number
  readonly lost: number
  readonly secondWriters: number
  readonly phasesMs: PhasesMs
}
