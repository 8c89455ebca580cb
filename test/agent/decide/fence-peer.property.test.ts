/** fence-peer and its counterpart: an exit code means proof, and our copy must be current for each of them. */
import fc from 'fast-check'
import t from 'tap'
import { decideFencePeer, type FenceVerdict } from '../../../agent/decide/fence-peer.ts'
import { decideOutdate } from '../../../agent/decide/outdate.ts'
import type { NodeState } from '../../../agent/state/node-state.ts'
import type { OutdateReply, OutdateResult } from '../../../agent/wire/mesh-types.ts'
import { holds } from './property.ts'
import {
  asked,
  boot,
  condemn,
  lives,
  node,
  POLICY,
  play,
  R0,
  type ResourceShape,
  resource,
  start,
  turnTo,
  withDrbd,
} from './scene.ts'

const ID = 'f'.repeat(16)
const AT = 5000

/** n1 asks about r0, whose other side is n3; n3 is known in its first boot. */
function scene(shape: ResourceShape = {}): NodeState {
  const state = lives(lives(turnTo(start(3), AT), 2, 1), 3, 1)
  return play(withDrbd(state, [resource(shape)]), { kind: 'fence-asked', id: ID, resource: R0, at: AT })
}

function reply(state: NodeState, result: OutdateResult, more: Partial<OutdateReply> = {}): NodeState {
  const heard: OutdateReply = {
    kind: 'outdated',
    from: node(3),
    bootId: state.mesh.peers.get(node(3))?.life?.bootId ?? boot(3),
    id: ID,
    resource: R0,
    result,
    detail: '',
    ...more,
  }
  return play(state, { kind: 'outdate-reply-heard', reply: heard })
}

/** n3 is back in a new boot, and that is on disk. */
function reborn(state: NodeState): NodeState {
  const next = play(state, ...asked(3, AT + 1, AT + 2, { bootId: boot(3, 2) }))
  return condemn(next, 3)
}

function verdict(state: NodeState, later = 0): FenceVerdict {
  const request = state.fence.requests.get(ID)
  if (request === undefined) throw new Error('no such request')
  return decideFencePeer(state, request, POLICY, AT + later)
}

function exitOf(state: NodeState, later = 0): number | 'wait' {
  const found = verdict(state, later)
  return found.kind === 'exit' ? found.exit : 'wait'
}

const told = {
  about: node(3),
  quietMs: 0,
  suspects: true,
  condemned: [],
  currentCopies: [],
  copiesCut: false,
  failover: 'none' as const,
}

const shapes: fc.Arbitrary<ResourceShape> = fc.record({
  role: fc.constantFrom('Primary' as const, 'Secondary' as const),
  disk: fc.constantFrom('UpToDate' as const, 'UpToDate' as const, 'Consistent' as const, 'Outdated' as const),
  fencing: fc.constantFrom(
    'resource-and-stonith' as const,
    'resource-and-stonith' as const,
    'resource-only' as const,
  ),
  connection: fc.constantFrom(
    'Connecting' as const,
    'Connecting' as const,
    'StandAlone' as const,
    'Connected' as const,
  ),
})
const results = fc.constantFrom(
  undefined,
  'outdated' as const,
  'absent' as const,
  'primary' as const,
  'failed' as const,
)

holds(
  'a code that gives the peer up comes only with proof, with a current copy and the connection gone',
  fc.property(
    fc.record({
      shape: shapes,
      result: results,
      from: fc.constantFrom(2, 3, 3, 3),
      life: fc.constantFrom('alive', 'over', 'over unsaved', 'reborn'),
      later: fc.constantFrom(0, 1000, POLICY.promoteWaitMs + 1),
    }),
    ({ shape, result, from, life, later }) => {
      let state = scene(shape)
      if (life === 'over') state = condemn(state, 3)
      if (life === 'over unsaved')
        state = play(state, ...asked(2, AT + 1, AT + 2, { statements: [{ ...told, condemned: [boot(3)] }] }))
      if (life === 'reborn') state = reborn(state)
      if (result !== undefined) state = reply(state, result, { from: node(from) })
      const exit = exitOf(state, later)
      if (exit === 'wait' || exit === 1) return true
      const fit =
        shape.disk === 'UpToDate' &&
        shape.fencing === 'resource-and-stonith' &&
        shape.connection !== 'Connected'
      const proof =
        (exit === 4 && result === 'outdated' && from === 3) ||
        (exit === 5 && result === 'absent' && from === 3 && life === 'reborn') ||
        (exit === 7 && life === 'over')
      return fit && proof
    },
  ),
  600,
)

t.test('the codes: 4 outdated, 5 absent in a new boot, 7 over', t => {
  t.equal(exitOf(reply(scene(), 'outdated')), 4)
  t.equal(exitOf(reply(reborn(scene()), 'absent')), 5)
  t.equal(exitOf(condemn(scene(), 3)), 7)
  t.end()
})

t.test('without proof a Primary waits for ever, a promotion gives up', t => {
  const primary = scene({ role: 'Primary' })
  t.match(verdict(primary), { kind: 'wait', askPeer: node(3) })
  t.equal(exitOf(primary, 1e9), 'wait')
  t.equal(exitOf(scene(), POLICY.promoteWaitMs - 1), 'wait')
  t.match(verdict(scene(), POLICY.promoteWaitMs), { kind: 'exit', exit: 1, because: /not proven over/ })
  for (const result of ['absent', 'primary', 'failed'] as const)
    t.equal(exitOf(reply(primary, result)), 'wait', `${result} is no proof`)
  t.end()
})

t.test('a node that is back in another boot is not over', t => {
  t.equal(exitOf(reborn(scene())), 'wait')
  t.end()
})

t.test(
  'a peer that is connected again is not given up; the kernel may call before it says that it is gone',
  t => {
    const state = condemn(scene({ connection: 'Connected' }), 3)
    t.equal(exitOf(state, POLICY.connectedGraceMs - 1), 'wait')
    t.match(verdict(state, POLICY.connectedGraceMs), { exit: 1, because: 'the peer is connected' })
    t.end()
  },
)

t.test('what cannot be decided here is refused with its reason', t => {
  const state = scene()
  t.match(verdict(withDrbd(state, [])), { exit: 1, because: 'there is no such resource here' })
  t.match(verdict(withDrbd(state, [resource()], { familyVersion: 2 })), { exit: 1, because: /DRBD 9/ })
  t.match(verdict(withDrbd(state, [], { phase: 'no module' })), { exit: 1 })
  t.match(verdict(withDrbd(state, [resource()], { phase: 'resync' })), { kind: 'wait' })
  t.match(verdict(withDrbd(state, [resource({ peer: 9 })])), {
    kind: 'wait',
    because: /no member has the address/,
  })
  t.end()
})

t.test('a handler that has gone is forgotten', t => {
  t.equal(play(scene(), { kind: 'fence-ended', id: ID }).fence.requests.size, 0)
  t.end()
})

const request = { kind: 'outdate' as const, from: node(3), bootId: boot(3), id: ID, resource: R0 }

function outdates(state: NodeState, more: Partial<typeof request> = {}): string {
  const found = decideOutdate(state, { request: { ...request, ...more }, via: 'v' })
  return found.kind === 'outdate' ? 'outdate' : found.result
}

holds(
  'our copy is outdated only as a disconnected Secondary, for the living other side, and not when it is the newer one',
  fc.property(
    shapes,
    fc.constantFrom('DUnknown' as const, 'Outdated' as const),
    fc.constantFrom('alive', 'over', 'reborn'),
    fc.constantFrom(2, 3, 3),
    (shape, peerDisk, life, from) => {
      const state = scene({ ...shape, peerDisk })
      const seen = life === 'over' ? condemn(state, 3) : life === 'reborn' ? reborn(state) : state
      const done = outdates(seen, { from: node(from), bootId: boot(from) }) === 'outdate'
      const may =
        shape.role === 'Secondary' &&
        shape.connection !== 'Connected' &&
        peerDisk !== 'Outdated' &&
        from === 3 &&
        life === 'alive'
      return done === may
    },
  ),
  600,
)

t.test('the answers: absent, primary, failed', t => {
  t.equal(outdates(scene({ role: 'Primary' })), 'primary')
  t.equal(outdates(withDrbd(scene(), [])), 'absent')
  t.equal(outdates(withDrbd(scene(), [], { phase: 'no module' })), 'absent')
  t.equal(outdates(withDrbd(scene(), [], { phase: 'resync' })), 'failed')
  t.equal(outdates(scene(), { bootId: boot(3, 7) }), 'failed')
  t.end()
})
