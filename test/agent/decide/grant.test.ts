/** The acknowledgements: who is granted, and what is said about the others. */
import t from 'tap'
import { decideAcks } from '../../../agent/decide/grant.ts'
import { makeSurvey } from '../../../agent/decide/survey.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { Ack } from '../../../agent/wire/mesh-types.ts'
import {
  beat,
  boot,
  condemn,
  HASH,
  lives,
  node,
  OTHER_HASH,
  POLICY,
  play,
  resource,
  start,
  turnTo,
  watchdogMs,
  withDrbd,
} from './scene.ts'

function acks(state: NodeState): readonly Ack[] {
  const now = state.mesh.turnAt
  const effects = decideAcks(state, makeSurvey(state, POLICY, now), POLICY, now)
  return effects.flatMap(effect => (effect.kind === 'send-ack' ? [effect.ack] : []))
}

/** n2 asks at `at`; n3 was last granted something at 1000. */
function askedAt(at: number, events: (state: NodeState) => NodeState = state => state): NodeState {
  const known = lives(lives(turnTo(start(3), 1000), 2, 1), 3, 1)
  return lives(turnTo(events(known), at), 2, 2)
}

t.test('a beat is granted with the nonce and the boot of its sender', t => {
  t.match(acks(askedAt(1200)), [
    {
      from: node(1),
      bootId: boot(1),
      nonce: beat(2, 2).nonce,
      yourBootId: boot(2),
      granted: true,
      refused: undefined,
      recorded: true,
      membersHash: HASH,
    },
  ])
  t.end()
})

t.test('refused: another list, two members, a condemned boot, no member', t => {
  const state = turnTo(start(3), 1000)
  t.match(acks(lives(state, 2, 1, { membersHash: OTHER_HASH })), [
    { granted: false, refused: 'members', recorded: true },
  ])
  t.match(acks(lives(turnTo(start(2), 1000), 2, 1)), [{ granted: false, refused: 'members' }])
  const over = condemn(lives(state, 2, 1), 2)
  t.match(acks(lives(turnTo(over, 1100), 2, 2)), [{ granted: false, refused: 'condemned', statements: [] }])
  t.match(acks(lives(state, 7, 1)), [{ granted: false, refused: 'members', recorded: false, statements: [] }])
  t.end()
})

t.test('about the third: its life, how long it was granted nothing, rounded down', t => {
  const [ack] = acks(askedAt(2000.9))
  t.match(ack?.statements, [
    {
      about: node(3),
      life: { bootId: boot(3), armed: true, resetMs: watchdogMs, membersHash: HASH },
      quietMs: 1000,
      suspects: true,
      condemned: [],
      currentCopies: [],
      failover: 'none',
    },
  ])
  t.equal(ack?.statements.length, 1, 'nothing about the asker and oneself')
  t.end()
})

t.test('a life that is not on disk yet is not said', t => {
  const state = askedAt(1500, known =>
    play(turnTo(known, 1400), {
      kind: 'beat-heard',
      beat: beat(3, 2, { watchdog: 'off' }),
      via: 'v',
      at: 1400,
    }),
  )
  t.equal(acks(state)[0]?.statements[0]?.life, undefined)
  t.end()
})

t.test('verdicts, current copies and the own failover are said', t => {
  const state = askedAt(9000, known =>
    withDrbd(condemn(known, 3), [resource(), resource({ name: 'old', disk: 'Outdated' })]),
  )
  t.match(acks(state)[0]?.statements, [{ condemned: [boot(3)], currentCopies: ['r0'], copiesCut: false }])
  const began = play(state, { kind: 'failover-began', node: node(3), bootId: boot(3), at: 9000 })
  t.equal(acks(began)[0]?.statements[0]?.failover, 'acting')
  const ended = (error: string | undefined) =>
    play(began, { kind: 'failover-ended', node: node(3), bootId: boot(3), at: 9001, error, handled: [] })
  t.equal(acks(ended(undefined))[0]?.statements[0]?.failover, 'done')
  t.equal(acks(ended('no API'))[0]?.statements[0]?.failover, 'none', 'others may try')
  t.end()
})

t.test('copies that do not fit at once have their turn', t => {
  const names = Array.from({ length: 50 }, (_, index) => `r${index}`)
  const lost = askedAt(9000, known =>
    withDrbd(
      known,
      names.map(name => resource({ name })),
    ),
  )
  const seen = new Set<string>()
  for (let round = 0; round < 5; round++) {
    const state = lives(turnTo(lost, 9000 + round * POLICY.lease.beatMs), 2, 10 + round)
    const statement = acks(state)[0]?.statements[0]
    t.equal(statement?.copiesCut, true)
    for (const name of statement?.currentCopies ?? []) seen.add(name)
  }
  t.equal(seen.size, 50)
  t.end()
})

t.test('of many lost nodes each comes first in its turn, and all of them before the others', t => {
  let state = turnTo(start(7), 1000)
  for (const index of [2, 3, 4, 5, 6, 7]) state = lives(state, index, 1)
  const firsts = new Set<string>()
  for (let round = 0; round < 4; round++) {
    const at = 2000 + round * POLICY.lease.beatMs
    state = lives(lives(turnTo(state, at), 2, 10 + round), 3, 10 + round)
    const [ack] = acks(state)
    t.same(
      ack?.statements.map(({ suspects }) => suspects),
      [true, true, true, true, false],
    )
    firsts.add(ack?.statements[0]?.about ?? '')
  }
  t.equal(firsts.size, 4)
  t.end()
})
