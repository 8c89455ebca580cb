/** Netlink sockets on the real kernel of this machine: nlctrl answers everywhere, DRBD or not. */
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { exchange, openListener } from '../../agent/host/nlsocket.ts'
import { familyRequest, readFamilyNotice } from '../../agent/wire/genl.ts'
import { ENOENT, isRefusedWith, openReply } from '../../agent/wire/reply.ts'
import { openNetlink } from '../../native/netlink.ts'

const options = { deadlineMs: 2_000, signal: new AbortController().signal }

t.test('nlctrl says who it is', async t => {
  const families: unknown[] = []
  const reply = openReply('one', 1, message => families.push(readFamilyNotice(message)))
  let returned = 0
  await exchange(familyRequest('nlctrl', 1), datagram => reply.take(datagram), {
    ...options,
    onReturn: () => void returned++,
  })
  t.match(families, [{ kind: 'reply', family: { id: 16, name: 'nlctrl' } }])
  t.equal(returned, 1)
})

t.test('a family that does not exist is refused with ENOENT', async t => {
  const reply = openReply('one', 1, () => {})
  const asked = exchange(familyRequest('no-such-family', 1), datagram => reply.take(datagram), options)
  t.ok(
    await asked.then(
      () => false,
      error => isRefusedWith(error, ENOENT),
    ),
  )
})

t.test('a kernel that does not answer costs the deadline, and the thread comes back', async t => {
  const { promise: returned, resolve } = Promise.withResolvers<void>()
  // Answered, but never complete: as if more were to come.
  const asked = exchange(familyRequest('nlctrl', 1), () => 'more', {
    deadlineMs: 100,
    signal: options.signal,
    onReturn: resolve,
  })
  await t.rejects(asked, { code: 'DEADLINE_PASSED' })
  await returned
})

t.test('an abort ends the wait at once', async t => {
  const abort = new AbortController()
  const asked = exchange(familyRequest('nlctrl', 1), () => 'more', {
    deadlineMs: 60_000,
    signal: abort.signal,
  })
  abort.abort(new Error('enough'))
  await t.rejects(asked, { message: 'enough' })
  await t.rejects(
    exchange(familyRequest('nlctrl', 1), () => 'more', { deadlineMs: 1, signal: abort.signal }),
    { message: 'enough' },
  )
})

t.test('a listener joins, ends at once, and can be ended twice', t => {
  const heard = { datagram: () => {}, overrun: () => {}, broken: (error: unknown) => t.fail(String(error)) }
  const listener = openListener(systemClock, 1 << 20, heard)
  t.ok(listener.receiveBuffer.bytes >= 2 << 17, `${listener.receiveBuffer.bytes} bytes`)
  listener.join(16)
  listener[Symbol.dispose]()
  listener[Symbol.dispose]()
  t.throws(() => listener.join(16), { code: 'NETLINK_FAILED' })
  t.end()
})

t.test('descriptors are given back', async t => {
  const open = (): number => {
    const socket = openNetlink({})
    socket.close()
    return socket.fd
  }
  const before = open()
  const heard = { datagram: () => {}, overrun: () => {}, broken: () => {} }
  for (let round = 0; round < 20; round++) {
    const listener = openListener(systemClock, 1 << 16, heard)
    await new Promise(resolve => setImmediate(resolve))
    listener[Symbol.dispose]()
    const reply = openReply('one', 1, () => {})
    await exchange(familyRequest('nlctrl', 1), datagram => reply.take(datagram), options)
  }
  await new Promise(resolve => setTimeout(resolve, 50))
  t.ok(open() <= before + 1, 'as many as before')
})
