/** Requests as the kernel wants them, and its results as outcomes. */
import t from 'tap'
import { CMD, RESULTS } from '../../../agent/wire/drbd-codes.ts'
import { readDrbdMessage, writeDrbdMessage } from '../../../agent/wire/drbd-message.ts'
import { commandRequest, dumpRequest, readOutcome } from '../../../agent/wire/drbd-request.ts'
import { type NlMessage, readNlMessages } from '../../../agent/wire/nlmsg.ts'
import { dump84 } from '../../golden/recordings.ts'

const first = (bytes: Uint8Array): NlMessage => {
  const [message] = readNlMessages(bytes)
  if (message === undefined) throw new Error('no message')
  return message
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const V0 = { resource: 'r0', volume: 0, minor: 7 }

t.test('dumps are byte for byte those that kernels were recorded to answer', t => {
  for (const [name, request] of dump84('05-uptodate', 'n1').requests) {
    const family = { id: first(request).type, version: 1 } as const
    t.equal(hex(dumpRequest(family, name as 'GET_DEVICES', first(request).seq)), hex(request), name)
  }
  t.end()
})

t.test('a command names its object three ways: minor, resource and volume', t => {
  const message = first(commandRequest({ id: 26, version: 2 }, { kind: 'secondary', of: V0, force: true }, 9))
  const read = readDrbdMessage(message)
  t.match(read, { cmd: CMD.SECONDARY, version: 2, seq: 9, flags: 1, minor: 7, retCode: 0 })
  t.strictSame(read.blocks, {
    cfg_context: { ctx_volume: 0, ctx_resource_name: 'r0' },
    set_role_parms: { force: true },
  })
  // Without the mark on each nest a 9.x kernel answers EINVAL.
  t.equal(message.view.getUint16(30, true), 0x8002)
  t.end()
})

t.test('each command has its number and its block', t => {
  const family = { id: 26, version: 2 } as const
  const shape = (command: Parameters<typeof commandRequest>[1]): unknown => {
    const { cmd, blocks } = readDrbdMessage(first(commandRequest(family, command, 1)))
    return [cmd, Object.keys(blocks).filter(name => name !== 'cfg_context')]
  }
  t.same(shape({ kind: 'primary', of: V0, force: false }), [14, ['set_role_parms']])
  t.same(shape({ kind: 'outdate', of: V0 }), [25, []])
  t.same(shape({ kind: 'suspend-io', of: V0 }), [23, []])
  t.same(shape({ kind: 'resume-io', of: V0 }), [24, []])
  t.same(shape({ kind: 'detach', of: V0, force: true }), [18, ['detach_parms']])
  t.same(shape({ kind: 'disconnect', of: { resource: 'r0', peer: { nodeId: 2 } }, force: false }), [
    11,
    ['disconnect_parms'],
  ])
  t.end()
})

t.test('results', t => {
  const outcome = (code: number, version: 1 | 2 = 2): unknown =>
    readOutcome(
      readDrbdMessage(
        first(
          writeDrbdMessage({
            familyId: 26,
            version,
            cmd: 14,
            seq: 1,
            nlFlags: 0,
            flags: code,
            blocks: { cfg_reply: { info_text: ['one', 'two'] } },
          }),
        ),
      ),
    )
  t.match(outcome(101), { kind: 'done', name: 'NO_ERROR' })
  t.match(outcome(1), { kind: 'done', name: 'SS_SUCCESS' })
  t.match(outcome(3), { kind: 'done', name: 'SS_CW_SUCCESS' })
  t.match(outcome(2), { kind: 'already', name: 'SS_NOTHING_TO_DO' })
  t.match(outcome(-1), {
    kind: 'refused',
    code: -1,
    name: 'SS_TWO_PRIMARIES',
    transient: false,
    info: ['one', 'two'],
  })
  t.match(outcome(-18), { kind: 'refused', name: 'SS_IN_TRANSIENT_STATE', transient: true })
  t.match(outcome(-21), { kind: 'refused', name: 'SS_INTERRUPTED', transient: true })
  t.match(outcome(-21, 1), { kind: 'refused', name: 'SS_OUTDATE_WO_CONN', transient: false })
  t.match(outcome(158), { kind: 'refused', name: 'ERR_RES_NOT_KNOWN', transient: false })
  t.match(outcome(0), { kind: 'refused', name: 'SS_UNKNOWN_ERROR' })
  t.match(outcome(200), { kind: 'refused', name: 'unknown:200' })
  for (const code of RESULTS.keys()) {
    const refused = code <= 0 || code > 101
    t.equal((outcome(code) as { kind: string }).kind === 'refused', refused && code !== -9, `${code}`)
  }
  t.end()
})
