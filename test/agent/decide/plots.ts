/** What breaks in the small world of the simulation, and when: types, and how the tests draw them. */
import fc from 'fast-check'
import { DEFAULT_POLICY, type Policy } from '../../../agent/decide/policy.ts'

/** Shorter than the product's, in the same proportions. */
export const SIM_POLICY: Policy = {
  ...DEFAULT_POLICY,
  lease: { leaseMs: 1200, watchdogMs: 2000, marginMs: 400, beatMs: 200, suspectMs: 500 },
  feedEveryMs: 200,
}
export const SILENCE_MS = SIM_POLICY.lease.leaseMs + SIM_POLICY.lease.watchdogMs + SIM_POLICY.lease.marginMs
export const STEP_MS = 40

export type Fault =
  /** Nothing from `from` arrives at `to`; numbers beyond the last node mean all others. */
  | { readonly kind: 'cut'; readonly from: number; readonly to: number }
  | { readonly kind: 'isolate'; readonly node: number }
  | { readonly kind: 'heal' }
  | { readonly kind: 'kill'; readonly node: number; readonly backAfterMs: number }
  | { readonly kind: 'stop'; readonly node: number; readonly backAfterMs: number }
  | { readonly kind: 'freeze'; readonly node: number; readonly forMs: number; readonly inFeed: boolean }
  | { readonly kind: 'power'; readonly node: number; readonly backAfterMs: number }
  /** The agent is killed and comes back with another list of members. */
  | { readonly kind: 'reconfigure'; readonly node: number; readonly backAfterMs: number }

export interface Plot {
  readonly nodes: number
  readonly seed: number
  readonly lossPercent: number
  /** Most datagrams take up to 20 ms; one in ten up to this. */
  readonly slowestMs: number
  /** By node: how much faster (percent) its clock and its watchdog's are, and whether a second process holds the device open. */
  readonly clocks: readonly { readonly agent: number; readonly device: number; readonly held: boolean }[]
  readonly faults: readonly { readonly atMs: number; readonly fault: Fault }[]
  readonly lengthMs: number
}

const { leaseMs, watchdogMs } = SIM_POLICY.lease

/** Drawn around the moments at which something could go wrong. */
const edges = fc
  .record({
    around: fc.constantFrom(0, 300, leaseMs, watchdogMs, leaseMs + watchdogMs, SILENCE_MS),
    offset: fc.integer({ min: -200, max: 400 }),
  })
  .map(({ around, offset }) => Math.max(40, around + offset))

/** Most of what happens happens to one node: faults matter when they meet. */
function faults(nodes: number, victim: number): fc.Arbitrary<Fault> {
  const node = fc.oneof(
    { weight: 3, arbitrary: fc.constant(victim) },
    { weight: 1, arbitrary: fc.nat({ max: nodes - 1 }) },
  )
  return fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), from: node, to: node }),
    fc.record({ kind: fc.constant('isolate' as const), node }),
    fc.constant({ kind: 'heal' as const }),
    fc.record({ kind: fc.constant('kill' as const), node, backAfterMs: edges }),
    fc.record({ kind: fc.constant('stop' as const), node, backAfterMs: edges }),
    fc.record({ kind: fc.constant('freeze' as const), node, forMs: edges, inFeed: fc.boolean() }),
    fc.record({ kind: fc.constant('power' as const), node, backAfterMs: edges }),
    fc.record({ kind: fc.constant('reconfigure' as const), node, backAfterMs: edges }),
  )
}

export const plots: fc.Arbitrary<Plot> = fc
  .integer({ min: 3, max: 5 })
  .chain(nodes => fc.tuple(fc.constant(nodes), fc.nat({ max: nodes - 1 })))
  .chain(([nodes, victim]) =>
    fc
      .record({
        seed: fc.integer(),
        lossPercent: fc.constantFrom(0, 0, 5, 30),
        slowestMs: fc.constantFrom(40, 300, 2500),
        clocks: fc.array(
          fc.record({
            agent: fc.integer({ min: -100, max: 100 }).map(part => part / 100),
            device: fc.integer({ min: -100, max: 100 }).map(part => part / 100),
            held: fc.boolean(),
          }),
          { minLength: nodes, maxLength: nodes },
        ),
        steps: fc.array(fc.record({ gapMs: edges, fault: faults(nodes, victim) }), {
          minLength: 1,
          maxLength: 6,
        }),
      })
      .map(({ steps, ...rest }) => {
        let atMs = 900
        const timed = steps.map(({ gapMs, fault }) => {
          atMs += gapMs
          return { atMs, fault }
        })
        return { ...rest, nodes, faults: timed, lengthMs: atMs + SILENCE_MS + 2500 }
      }),
  )
