/** The status document and the report: valid under their schemas whatever the state, and saying what stands. */
import fc from 'fast-check'
import t from 'tap'
import { REPORT_MAX_VOLUMES, ReportSchema } from '#protocol/report.ts'
import { DecisionsSchema, STATUS_MAX_VOLUMES, StatusSchema } from '#protocol/status.ts'
import { makePlan } from '../../../agent/decide/plan.ts'
import { toReport } from '../../../agent/decide/report.ts'
import { toDecisions, toStatus } from '../../../agent/decide/status.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import { plots } from './plots.ts'
import { holds } from './property.ts'
import {
  asked,
  boot,
  condemn,
  HASH,
  lives,
  node,
  POLICY,
  play,
  resource,
  start,
  turnTo,
  withDrbd,
} from './scene.ts'
import { simulate } from './simulation.ts'

const wallAt = (at: number): string => new Date(Date.UTC(2026, 0, 1) + at).toISOString()
const status = (state: NodeState) =>
  toStatus(state, POLICY, { agentVersion: '0.1.0', now: state.mesh.turnAt, wallAt })
const report = (state: NodeState) =>
  toReport(state, POLICY, { agentVersion: '0.1.0', drbdVersion: '8.4.11', now: state.mesh.turnAt, wallAt })

holds(
  'every state that the small world reaches has a valid status, decisions and report',
  fc.property(plots, plot => {
    const { state } = simulate({ ...plot, lengthMs: Math.min(plot.lengthMs, 5000) })
    for (let index = 0; index < plot.nodes; index++) {
      const found = state(index)
      if (found === undefined) continue
      StatusSchema.parse(status(found))
      DecisionsSchema.parse(toDecisions(found, wallAt))
      ReportSchema.parse(report(found))
    }
  }),
  20,
)

/** n2 lives and grants, n3 is silent since 1000 and its other side of r0 is gone. */
function scene(): NodeState {
  let state = lives(lives(turnTo(start(3), 1000), 3, 1), 2, 1)
  state = play(
    state,
    { kind: 'promise-saved', promise: { bootId: boot(1), membersHash: HASH } },
    { kind: 'watchdog-opened', at: 1000, notAfter: 2000, resetMs: 5000 },
  )
  state = lives(turnTo(state, 4000), 2, 2)
  state = play(state, ...asked(2, 3900, 4000))
  const { decisions } = makePlan(state, POLICY, 4000)
  return play(withDrbd(state, [resource({ role: 'Primary' })]), { kind: 'decided', at: 4000, decisions })
}

t.test('the status says who lives, who is suspected and what is missing for a proof', t => {
  const found = StatusSchema.parse(status(scene()))
  t.match(found, {
    node: 'n1',
    bootId: boot(1),
    lease: { held: true, leftMs: 2900 },
    watchdog: { device: 'open', armed: true, resetMs: 5000, fedMsAgo: 3000 },
    members: { count: 3, majority: 2, heldBack: false },
    nodes: [
      { node: 'n1', state: 'self', armed: true },
      { node: 'n2', state: 'alive', heardMsAgo: 0, grantedMsAgo: 100 },
      { node: 'n3', state: 'suspected', heardMsAgo: 3000, missing: 'n2: has not said anything about it' },
    ],
    volumes: [
      {
        resource: 'r0',
        role: 'Primary',
        disks: [{ disk: 'UpToDate' }],
        peers: [{ node: 'n3', connection: 'Connecting', disk: 'DUnknown' }],
      },
    ],
  })
  const over = StatusSchema.parse(status(condemn(scene(), 3)))
  t.match(over.nodes[2], { state: 'over', condemnedBy: 'lease', failover: 'none' })
  t.end()
})

t.test('the report says alive, suspected, lost and never seen, and why a node does not count as ready', t => {
  t.match(ReportSchema.parse(report(scene())), {
    lease: { armed: true, held: true },
    members: [
      { node: 'n2', state: 'alive' },
      { node: 'n3', state: 'suspected' },
    ],
    reasons: [],
  })
  t.match(report(condemn(scene(), 3)).members[1], { state: 'lost' })
  const fresh = report(turnTo(start(3), 100))
  t.match(fresh.members[0], { node: node(2), state: 'never-seen' })
  t.same(
    fresh.reasons.map(({ code }) => code),
    ['Starting', 'NoLease'],
  )
  t.same(
    report({ ...turnTo(start(2), 100), watchdog: { ...start(2).watchdog, device: 'none' } }).reasons.map(
      ({ code }) => code,
    ),
    ['Starting', 'TooFewMembers', 'NoWatchdog'],
  )
  t.end()
})

t.test('what does not fit is counted', t => {
  const many = Array.from({ length: REPORT_MAX_VOLUMES + 7 }, (_, index) => resource({ name: `r${index}` }))
  const state = withDrbd(scene(), many)
  t.equal(ReportSchema.parse(report(state)).volumesLeftOff, 7)
  t.equal(StatusSchema.parse(status(state)).volumesLeftOff, many.length - STATUS_MAX_VOLUMES)
  t.end()
})

t.test('standing I/O is said with its reason', t => {
  const frozen = { ...resource(), suspended: { user: false, noData: true, fencing: true, quorum: false } }
  const state = withDrbd(scene(), [frozen])
  t.same(status(state).volumes[0]?.suspended, ['no-data', 'fencing'])
  t.same(
    report(state).volumes[0]?.reasons.map(({ code }) => code),
    ['Suspended.no-data', 'Suspended.fencing'],
  )
  t.end()
})
