/** Mutants of what agents say to each other and believe of it. */
import type { Mutant } from './mutant.ts'

const MESH = { file: 'agent/state/mesh.ts', test: 'test/agent/state/mesh.property.test.ts' }
const ACK = { file: 'agent/state/mesh-ack.ts', test: 'test/agent/state/mesh.property.test.ts' }
const JUDGE = { file: 'agent/state/mesh-judge.ts', test: 'test/agent/state/mesh.property.test.ts' }
const WIRE = { file: 'agent/wire/mesh-message.ts', test: 'test/agent/wire/mesh-message.property.test.ts' }
const WORLD = 'test/agent/decide/simulation.property.test.ts'
const NEVER_ALIVE = 'nobody holds a boot for over that runs'

export const MESH_MUTANTS: readonly Mutant[] = [
  {
    ...MESH,
    name: 'time that the loop did not see counts as silence',
    search: 'quietFrom: Math.min(at, peer.quietFrom + (at - before))',
    replace: 'quietFrom: peer.quietFrom',
    test: 'test/agent/decide/proof.property.test.ts',
    property: 'a jump of the clock proves nothing',
  },
  {
    ...MESH,
    name: 'a late loop keeps its leases',
    search: 'gap <= LATE_MS',
    replace: 'gap <= 10 * LATE_MS',
    test: 'test/agent/decide/lease.property.test.ts',
    property: 'a loop that turned late',
  },
  {
    ...MESH,
    name: 'a grant is not noted',
    search: 'const quietFrom = refused === undefined ? mesh.turnAt : peer.quietFrom',
    replace: 'const quietFrom = peer.quietFrom',
    test: WORLD,
    property: NEVER_ALIVE,
  },
  {
    ...MESH,
    name: 'news of a life do not restart the silence',
    search: 'quietFrom: changed ? mesh.turnAt : peer.quietFrom,',
    replace: 'quietFrom: peer.quietFrom,',
    property: 'news about a life restart the silence',
  },
  {
    ...MESH,
    name: 'acknowledged before it is on disk',
    search: '|| !sameLife(peer.saved, peer.life)) return mesh',
    replace: ') return mesh',
    property: 'what is not on disk is not acknowledged',
  },
  {
    ...ACK,
    name: 'another boot is believed in any answer',
    search: 'peer.bootSince >= askedAt',
    replace: 'peer.bootSince > at',
    property: 'a new boot is believed only',
  },
  {
    ...MESH,
    name: 'a beat ends the boot before it',
    search: 'if (peer.life !== undefined && peer.life.bootId !== beat.bootId) return mesh',
    replace:
      "if (peer.life !== undefined && peer.life.bootId !== beat.bootId) return putPeer(mesh, condemn({ ...peer, life: firstLife(beat) }, { bootId: peer.life.bootId, by: 'new-boot', at, saved: false }))",
    property: 'a new boot is believed only',
  },
  {
    ...MESH,
    name: 'older beats count again',
    search: 'if (peer.life !== undefined && !isNewer(peer.life, beat)) return mesh',
    replace: '',
    property: 'the order of messages',
  },
  {
    ...ACK,
    name: 'the last statement that arrives stands',
    search: 'if (before !== undefined && before.askedAt >= askedAt) return peer',
    replace: '',
    property: 'the order of messages',
  },
  {
    ...ACK,
    name: 'an answer counts without its question',
    search: 'asked === undefined || known === undefined || asked.to !== ack.from',
    replace: 'asked === undefined || known === undefined',
    property: 'an answer that nobody asked for',
  },
  {
    ...ACK,
    name: 'any acknowledgement lets the watchdog be closed',
    search: "(ack.recorded && asked.watchdog === 'off')",
    replace: 'ack.recorded',
    property: 'our watchdog counts as known to be off',
  },
  {
    ...JUDGE,
    name: 'a condemned boot is granted again',
    search: 'if (peer?.condemned.has(beat.bootId) === true) return',
    replace: "if (peer?.condemned.has(beat.bootId) === true && beat.membersHash === '') return",
    property: 'a condemned boot is refused',
  },
  {
    ...JUDGE,
    name: 'a starting agent keeps what was bound to other members',
    search: 'life.armed && life.membersHash === beat.membersHash',
    replace: 'life.armed',
    property: 'a process that has not opened its watchdog',
  },
  {
    file: 'agent/decide/grant.ts',
    test: 'test/agent/decide/grant.test.ts',
    name: 'silence is rounded up',
    search: 'Math.floor(now - peer.quietFrom)',
    replace: 'Math.ceil(now - peer.quietFrom)',
    property: 'about the third',
  },
  {
    file: 'agent/decide/grant.ts',
    test: 'test/agent/decide/grant.test.ts',
    name: 'a life is said before it is on disk',
    search: '|| !sameLife(life, saved)) return',
    replace: ') return',
    property: 'a life that is not on disk yet',
  },
  {
    ...WIRE,
    name: 'half of the HMAC is enough',
    search: 'for (let at = 0; at < left.length; at++)',
    replace: 'for (let at = 0; at < left.length / 2; at++)',
    property: 'any changed byte is refused',
  },
  {
    ...WIRE,
    name: 'what cannot be read is thrown',
    search: "return refuse(error instanceof FieldError ? error.message : 'not JSON in UTF-8')",
    replace: 'throw error',
    property: 'any bytes are read or refused',
  },
  {
    ...WIRE,
    name: 'what is left off is not said',
    search: 'leftOff: ack.leftOff + ack.statements.length - statements.length,',
    replace: 'leftOff: ack.leftOff,',
    property: 'an acknowledgement that is too large',
  },
  {
    ...WIRE,
    name: 'a life loses its bound on the way',
    search:
      "resetMs: whole(fields, 'resetMs', 3_600_000),\n    membersHash: hash(fields, 'membersHash'),\n  }\n}\n\nfunction parseOutdate(",
    replace: "resetMs: 0,\n    membersHash: hash(fields, 'membersHash'),\n  }\n}\n\nfunction parseOutdate(",
    property: 'what is written and read again',
  },
]
