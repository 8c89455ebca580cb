import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { openUdp } from '../../../agent/host/udp.ts'

t.test('a datagram arrives with its sender and a time; a busy port is refused by name', async t => {
  const heard: [string, string, number][] = []
  const port = 20_000 + (process.pid % 20_000)
  let arrived: (() => void) | undefined
  const one = new Promise<void>(resolve => {
    arrived = resolve
  })
  using udp = await openUdp(port, systemClock, (bytes, from, at) => {
    heard.push([Buffer.from(bytes).toString(), from, at])
    arrived?.()
  })
  const before = systemClock.mono()
  udp.send(Buffer.from('hello'), '127.0.0.1')
  await one
  t.match(heard[0], ['hello', '127.0.0.1'])
  t.ok((heard[0]?.[2] ?? 0) >= before)
  await t.rejects(
    openUdp(port, systemClock, () => undefined),
    { code: 'PORT_BUSY' },
  )
  udp.send(new Uint8Array(70_000), '127.0.0.1')
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(udp.failures(), 1, 'what cannot leave is counted, not thrown')
})
