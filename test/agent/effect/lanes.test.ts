import t from 'tap'
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import { systemClock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { openLog } from '#kit/log.ts'
import type { Effect } from '../../../agent/decide/effects.ts'
import { type LanePorts, openLanes } from '../../../agent/effect/lanes.ts'
import { decodeMessage } from '../../../agent/wire/mesh-message.ts'

const BOOT = '11111111-2222-3333-4444-555555555555' as BootId
const n2 = 'n2' as NodeName
const hmac = (): Uint8Array => new Uint8Array(32)
const life = { bootId: BOOT, incarnation: 1, seq: 1, armed: true, resetMs: 5000, membersHash: 'ab' }

/** Ports that write down what happens, in order. */
function scene(own: Partial<LanePorts> = {}) {
  const story: string[] = []
  const stop = new AbortController()
  const ports: LanePorts = {
    clock: systemClock,
    log: openLog({ level: 'silent', name: 'test' }),
    post: event => story.push(`event ${event.kind}`),
    memory: {
      peers: [],
      promise: undefined,
      saveLife: () => void story.push('disk life'),
      condemn: () => void story.push('disk condemn'),
      savePromise: promise => void story.push(promise === undefined ? 'disk no promise' : 'disk promise'),
    },
    desk: {
      ask: () => Promise.reject(new Error('not asked here')),
      answer: (_id, { exit }) => void story.push(`answer ${exit}`),
    },
    hmac,
    send: (bytes, address) => {
      const decoded = decodeMessage(bytes, hmac)
      story.push(`send ${decoded.ok ? decoded.message.kind : decoded.reason} ${address}`)
    },
    watchdog: undefined,
    reboot: () => void story.push('reboot'),
    outdate: () => Promise.resolve(),
    failover: undefined,
    untaint: undefined,
    ...own,
  }
  const lanes = openLanes(ports, { node: 'n1', bootId: BOOT }, stop.signal)
  return { story, start: (...effects: Effect[]) => lanes.start(effects), settled: () => lanes.settled() }
}

const beat: Effect = {
  kind: 'send-beat',
  to: n2,
  address: '10.0.0.2',
  beat: {
    kind: 'beat',
    from: 'n1' as NodeName,
    bootId: BOOT,
    incarnation: 1,
    watchdog: 'armed',
    resetMs: 5000,
    membersHash: 'abababababababab',
  },
}
const request = { kind: 'outdate', from: n2, bootId: BOOT, id: '0123456789abcdef', resource: 'r0' } as const

t.test('what must be durable is on disk before anything follows from it', async t => {
  const s = scene()
  s.start({ kind: 'save-life', node: n2, life }, { kind: 'condemn', node: n2, bootId: BOOT, by: 'lease' })
  t.same(s.story, ['disk life', 'event life-saved', 'disk condemn', 'event condemned'])
})

t.test('a disk that refuses leaves no event, and stops nothing else', async t => {
  const s = scene({
    memory: {
      peers: [],
      promise: undefined,
      saveLife: () => {
        throw new Error('ENOSPC')
      },
      condemn: () => undefined,
      savePromise: () => undefined,
    },
  })
  s.start({ kind: 'save-life', node: n2, life }, beat)
  t.same(s.story, ['event beat-sent', 'send beat 10.0.0.2'])
})

t.test('a beat is noted before it leaves', async t => {
  const s = scene()
  s.start(beat)
  t.same(s.story, ['event beat-sent', 'send beat 10.0.0.2'])
})

t.test('a reboot that does not work leaves the rest to the watchdog', async t => {
  const s = scene({
    reboot: () => {
      throw new Error('no SysRq')
    },
  })
  s.start({ kind: 'reboot', because: 'refused' })
  t.same(s.story, [])
})

t.test('the copy is said to be outdated only when it is', async t => {
  const done = scene()
  const own: Effect = { kind: 'outdate-own', via: '10.0.0.2', resource: 'r0' as ResourceName, request }
  done.start(own)
  await done.settled()
  t.same(done.story, ['send outdated 10.0.0.2'])
  const replies: unknown[] = []
  const not = scene({
    outdate: () => Promise.reject(new AppError('DRBD_REFUSED', 'DRBD did not outdate the copy')),
    send: bytes => {
      const decoded = decodeMessage(bytes, hmac)
      if (decoded.ok) replies.push(decoded.message)
    },
  })
  not.start(own)
  await not.settled()
  t.match(replies, [{ kind: 'outdated', result: 'failed', detail: /DRBD_REFUSED/ }])
})

t.test('one failover of a boot at a time; another one when it has ended', async t => {
  const runs: string[] = []
  let end: (() => void) | undefined
  const s = scene({
    failover: order => {
      runs.push(order.node)
      return new Promise(resolve => {
        end = resolve
      })
    },
  })
  const order: Effect = { kind: 'failover', node: n2, bootId: BOOT, proven: [] }
  s.start(order, order)
  s.start(order)
  t.equal(runs.length, 1)
  end?.()
  await s.settled()
  s.start(order)
  t.equal(runs.length, 2)
  end?.()
})

t.test('a lease that ends before the device is opened changes nothing', async t => {
  const s = scene({
    watchdog: {
      open: () => Promise.reject(new AppError('DEADLINE_PASSED', 'too late')),
      feed: () => undefined,
      disarm: () => Promise.resolve(),
    },
  })
  s.start({ kind: 'open-watchdog', timeoutMs: 5000, notAfter: 0 }, { kind: 'feed', notAfter: 0 })
  await s.settled()
  t.same(s.story, [], 'neither opened, nor failed, nor fed')
})
