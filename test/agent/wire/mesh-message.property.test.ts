/** The datagrams between agents: written and read they are the same, and nothing else is read. */
import { createHmac } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { decodeMessage, encodeMessage, type Hmac, MAX_JSON } from '../../../agent/wire/mesh-message.ts'
import type { Ack, MeshMessage, OutdateReply, SaidStatement } from '../../../agent/wire/mesh-types.ts'
import { holds } from '../decide/property.ts'
import { ack, beat, boot, nonceOf, said } from '../decide/scene.ts'

const keyed =
  (key: string): Hmac =>
  bytes =>
    createHmac('sha256', key).update(bytes).digest()
const hmac = keyed('a key of this test that is long enough')

const statement: fc.Arbitrary<SaidStatement> = fc
  .record({
    about: fc.integer({ min: 1, max: 60 }),
    quietMs: fc.nat(),
    life: fc.boolean(),
    suspects: fc.boolean(),
    condemned: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
    currentCopies: fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/), { maxLength: 20 }),
    failover: fc.constantFrom('none' as const, 'acting' as const, 'done' as const),
  })
  .map(({ about, quietMs, life, condemned, ...more }) => {
    const { life: known, ...rest } = said(about, quietMs, {
      ...more,
      condemned: condemned.map(count => boot(about, count)),
    })
    return life && known !== undefined ? { ...rest, life: known } : rest
  })

const messages: fc.Arbitrary<MeshMessage> = fc.oneof(
  fc
    .record({
      from: fc.integer({ min: 1, max: 9 }),
      seq: fc.nat(),
      watchdog: fc.constantFrom('off', 'starting', 'armed'),
    })
    .map(({ from, seq, watchdog }): MeshMessage => beat(from, seq, { watchdog: watchdog as 'off' })),
  fc
    .record({ granted: fc.boolean(), statements: fc.array(statement, { maxLength: 5 }), number: fc.nat() })
    .map(({ granted, statements, number }): MeshMessage => {
      const refused = granted ? {} : { refused: 'condemned' as const }
      return ack(2, nonceOf(number), { granted, ...refused, statements })
    }),
  fc.nat().map((number): MeshMessage => {
    const { from, bootId } = beat(2, 1)
    return { kind: 'outdate', from, bootId, id: nonceOf(number), resource: 'r0' }
  }),
  fc
    .record({ number: fc.nat(), detail: fc.string({ maxLength: 200, unit: 'grapheme' }) })
    .map(({ number, detail }): MeshMessage => {
      const { from, bootId } = beat(2, 1)
      return {
        kind: 'outdated',
        from,
        bootId,
        id: nonceOf(number),
        resource: 'r0',
        result: 'failed',
        detail: detail.slice(0, 100),
      }
    }),
)

function fits(message: MeshMessage): boolean {
  return new TextEncoder().encode(JSON.stringify(message)).length <= MAX_JSON
}

holds(
  'what is written and read again is the same',
  fc.property(messages.filter(fits), message => {
    const decoded = decodeMessage(encodeMessage(message, hmac), hmac)
    return decoded.ok && isDeepStrictEqual(decoded.message, message)
  }),
)

holds(
  'an acknowledgement that is too large keeps its grant, drops from the end, and says how much it left off',
  fc.property(fc.array(statement, { minLength: 3, maxLength: 40 }), statements => {
    const whole = ack(2, nonceOf(1), { statements })
    const bytes = encodeMessage(whole, hmac)
    const decoded = decodeMessage(bytes, hmac)
    if (!decoded.ok || decoded.message.kind !== 'ack') return false
    const { message } = decoded
    const { length } = message.statements
    const cut = message.statements.every((one, index) => {
      const full = statements[index]
      const same = isDeepStrictEqual(one, full)
      return same || (one.copiesCut && one.currentCopies.length < (full?.currentCopies.length ?? 0))
    })
    return (
      bytes.length <= 36 + MAX_JSON &&
      message.granted &&
      message.leftOff === statements.length - length &&
      cut
    )
  }),
)

holds(
  'any changed byte is refused',
  fc.property(messages, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, place, flip) => {
    const bytes = encodeMessage(message, hmac)
    const at = place % bytes.length
    bytes[at] = (bytes[at] ?? 0) ^ flip
    return !decodeMessage(bytes, hmac).ok
  }),
)

holds(
  'any bytes are read or refused, never thrown at',
  fc.property(fc.uint8Array({ maxLength: 1400 }), fc.boolean(), (bytes, signed) => {
    const whole = signed ? signedBytes(bytes.subarray(0, MAX_JSON)) : bytes
    const decoded = decodeMessage(whole, hmac)
    return decoded.ok || decoded.reason.length > 0
  }),
)

function signedBytes(json: Uint8Array): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode('HWS1'), ...hmac(json), ...json])
}

function read(value: unknown): string {
  const decoded = decodeMessage(signedBytes(new TextEncoder().encode(JSON.stringify(value))), hmac)
  return decoded.ok ? 'read' : decoded.reason
}

t.test('each field is looked at; unknown ones are ignored', t => {
  const one: Ack = ack(2, nonceOf(1), { statements: [said(3, 5)] })
  t.equal(read(one), 'read')
  t.equal(read({ ...one, later: { any: 'thing' } }), 'read')
  t.equal(read({ ...beat(2, 1), later: 1 }), 'read')
  t.equal(read({ ...beat(2, 1), kind: 'shout' }), 'an unknown kind')
  t.equal(read([1]), 'field message: not an object')
  const bad: readonly [string, unknown][] = [
    ['from', 'N 2'],
    ['bootId', 'x'],
    ['incarnation', -1],
    ['seq', 1.5],
    ['nonce', 'zz'],
    ['watchdog', 'on'],
    ['resetMs', 1e9],
    ['membersHash', 'abc'],
  ]
  for (const [field, value] of bad) {
    t.match(read({ ...beat(2, 1), [field]: value }), new RegExp(`^field ${field}:`))
    t.match(read({ ...beat(2, 1), [field]: undefined }), new RegExp(`^field ${field}:`))
  }
  for (const field of ['granted', 'recorded', 'statements', 'yourBootId', 'leftOff'])
    t.match(read({ ...one, [field]: undefined }), new RegExp(`^field ${field}`))
  t.match(read({ ...one, refused: 'members' }), /^field refused/)
  t.match(read({ ...one, granted: false }), /^field refused/)
  for (const [field, value] of [
    ['about', ''],
    ['quietMs', -1],
    ['condemned', ['x']],
    ['currentCopies', ['a b']],
    ['currentCopies', Array.from({ length: 65 }, () => 'a')],
    ['failover', 'perhaps'],
    ['life', { bootId: boot(3) }],
  ] as const)
    t.not(read({ ...one, statements: [{ ...said(3, 5), [field]: value }] }), 'read', field)
  t.end()
})

t.test('heads: short, long, foreign, of another version, of another key', t => {
  const bytes = encodeMessage(beat(2, 1), hmac)
  const reason = (changed: Uint8Array, key = hmac): string => {
    const decoded = decodeMessage(changed, key)
    return decoded.ok ? 'read' : decoded.reason
  }
  t.equal(reason(bytes.subarray(0, 35)), 'shorter than a head')
  t.equal(reason(new Uint8Array(36 + MAX_JSON + 1)), 'longer than a message may be')
  t.equal(reason(Uint8Array.from([0, ...bytes.subarray(1)])), 'not a message of ours')
  t.equal(
    reason(Uint8Array.from([...bytes.subarray(0, 3), 0x32, ...bytes.subarray(4)])),
    'an unknown version',
  )
  t.equal(reason(bytes, keyed('another key')), 'made with another key')
  t.equal(reason(signedBytes(Uint8Array.of(0xff, 0xfe))), 'not JSON in UTF-8')
  t.end()
})

t.test('a detail that is too long is dropped, not the reply', t => {
  const { from, bootId } = beat(2, 1)
  const long: OutdateReply = {
    kind: 'outdated',
    from,
    bootId,
    id: nonceOf(1),
    resource: 'r0',
    result: 'failed',
    detail: 'x'.repeat(2000),
  }
  const decoded = decodeMessage(encodeMessage(long, hmac), hmac)
  t.match(decoded, { ok: true, message: { result: 'failed', detail: '' } })
  t.end()
})
