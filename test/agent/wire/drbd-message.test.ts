/** The codec as a whole: recordings byte for byte, arbitrary and cut bytes, requests as drbdsetup sends them. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { AppError } from '#kit/errors.ts'
import { readDrbdMessage, writeDrbdMessage } from '../../../agent/wire/drbd-message.ts'
import { toNotice } from '../../../agent/wire/drbd-notice.ts'
import { readFamilyNotice } from '../../../agent/wire/genl.ts'
import { type NlMessage, readNlMessages } from '../../../agent/wire/nlmsg.ts'
import { openReply } from '../../../agent/wire/reply.ts'
import {
  dump84,
  dumpFiles9,
  dumpOf,
  dumps84,
  lives,
  stories84,
  story84,
  VERSIONS_9,
} from '../../golden/recordings.ts'

function everyDatagram(): Uint8Array[] {
  const eight = stories84().flatMap(({ name, node }) =>
    story84(name, node).flatMap(line => ('bytes' in line ? [line.bytes] : [])),
  )
  const dumps = dumps84().flatMap(({ state, node }) => [...dump84(state, node).answers.values()].flat())
  const nine = VERSIONS_9.flatMap(version =>
    lives(version).flatMap(life => life.events.map(({ bytes }) => bytes)),
  )
  const dumps9 = VERSIONS_9.flatMap(version =>
    dumpFiles9(version).flatMap(file =>
      ['initial-state', 'resources', 'devices', 'connections', 'peer-devices', 'paths'].flatMap(section =>
        dumpOf(file, section),
      ),
    ),
  )
  return [...eight, ...dumps, ...nine, ...dumps9]
}

const DATAGRAMS = everyDatagram()
const messagesOf = (datagrams: readonly Uint8Array[]): NlMessage[] =>
  datagrams.flatMap(readNlMessages).filter(({ type }) => type > 16)

t.test('nothing that kernels have sent is unknown', t => {
  const unknown = new Set(
    messagesOf(DATAGRAMS).flatMap(message => toNotice(readDrbdMessage(message)).unknown),
  )
  t.same([...unknown], [])
  t.ok(DATAGRAMS.length > 9_000, `${DATAGRAMS.length} datagrams`)
  t.end()
})

t.test('what was read can be written and reads the same', t => {
  for (const message of messagesOf(DATAGRAMS)) {
    const read = readDrbdMessage(message)
    const written = writeDrbdMessage({
      familyId: message.type,
      version: read.version,
      cmd: read.cmd,
      seq: read.seq,
      nlFlags: read.flags,
      flags: read.retCode,
      blocks: read.blocks,
      ...(read.minor === undefined ? {} : { minor: read.minor }),
    })
    const again = readNlMessages(written)[0]
    if (again === undefined) throw new Error('nothing was written')
    const same = readDrbdMessage(again)
    if (!isDeepStrictEqual(same, read)) t.strictSame(same, read)
  }
  t.pass()
  t.end()
})

/** Everything that reads bytes from outside. True: read. False: refused as it must be. Anything else throws. */
function readOrRefused(bytes: Uint8Array): boolean {
  try {
    for (const message of readNlMessages(bytes)) {
      toNotice(readDrbdMessage(message))
      readFamilyNotice(message)
    }
    openReply('dump', 1, message => readDrbdMessage(message)).take(bytes)
    return true
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === 'NETLINK_FAILED') return true
    if (error.code !== 'WIRE_MALFORMED' || typeof error.fields['offset'] !== 'number') throw error
    return false
  }
}

t.test('messages cut at every offset are refused', t => {
  const kinds = new Map(DATAGRAMS.map(bytes => [`${bytes[4]}.${bytes[16]}.${bytes.length}`, bytes]))
  let cuts = 0
  for (const bytes of kinds.values()) {
    for (let length = 1; length < bytes.length; length++) {
      cuts += 1
      // A cut at the end of one of several messages leaves whole messages.
      const whole = readNlMessagesEnds(bytes).includes(length)
      if (!whole && readOrRefused(bytes.slice(0, length)))
        t.fail('a half message was read', { length, of: bytes.length })
    }
  }
  t.ok(cuts > 20_000, `${cuts} cuts`)
  t.end()
})

function readNlMessagesEnds(bytes: Uint8Array): number[] {
  let at = 0
  return readNlMessages(bytes).flatMap(message => {
    const end = at + message.bytes.length
    at += (message.bytes.length + 3) & ~3
    return [end, at]
  })
}

t.test('arbitrary bytes are read or refused', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => [true, false].includes(readOrRefused(bytes))),
    { numRuns: 40_000 },
  )
  t.pass()
  t.end()
})

t.test('recorded messages with broken bytes are read or refused', t => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })
  let refused = 0
  fc.assert(
    fc.property(fc.nat(DATAGRAMS.length - 1), damage, (which, hits) => {
      const bytes = (DATAGRAMS[which] ?? new Uint8Array()).slice()
      for (const [at, value] of hits) bytes[at % bytes.length] = value
      if (!readOrRefused(bytes)) refused += 1
      return true
    }),
    { numRuns: 80_000 },
  )
  t.ok(refused > 1_000, `${refused} were refused`)
  t.end()
})
