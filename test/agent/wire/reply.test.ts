/** Which messages belong to an answer, and when it is complete. */
import t from 'tap'
import { NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, writeNlMessage } from '../../../agent/wire/nlmsg.ts'
import { isRefusedWith, openReply } from '../../../agent/wire/reply.ts'

const message = (type: number, seq: number, payload: number[] = [], flags = 0): Uint8Array =>
  writeNlMessage({ type, flags, seq }, Uint8Array.of(...payload))
const errno = (code: number): number[] => [...new Uint8Array(Int32Array.of(-code).buffer)]

t.test('a dump ends with DONE, several messages in a datagram or one', t => {
  const seen: number[] = []
  const reply = openReply('dump', 5, ({ type }) => seen.push(type))
  t.equal(reply.take(new Uint8Array([...message(30, 5), ...message(31, 5)])), 'more')
  t.equal(reply.take(message(32, 4)), 'more', 'of another request')
  t.equal(reply.take(message(NLMSG_DONE, 5, errno(0))), 'complete')
  t.same(seen, [30, 31])
  t.notOk(reply.interrupted)
  t.end()
})

t.test('a single answer ends with itself, or with an acknowledgement', t => {
  t.equal(openReply('one', 1, () => {}).take(message(30, 1)), 'complete')
  t.equal(openReply('one', 1, () => {}).take(message(NLMSG_ERROR, 1, errno(0))), 'complete')
  t.end()
})

t.test('a refusal carries its number', t => {
  const refuse = (type: number): void => void openReply('dump', 1, () => {}).take(message(type, 1, errno(2)))
  t.throws(() => refuse(NLMSG_ERROR), { code: 'NETLINK_FAILED', fields: { errno: 2 } })
  t.throws(() => refuse(NLMSG_DONE), { code: 'NETLINK_FAILED', fields: { errno: 2 } })
  try {
    refuse(NLMSG_ERROR)
  } catch (error) {
    t.ok(isRefusedWith(error, 2))
    t.notOk(isRefusedWith(error, 1))
  }
  t.end()
})

t.test('an interrupted dump says so', t => {
  const reply = openReply('dump', 1, () => {})
  reply.take(message(30, 1, [], NLM_F_DUMP_INTR))
  t.equal(reply.take(message(NLMSG_DONE, 1, errno(0))), 'complete')
  t.ok(reply.interrupted)
  t.end()
})
