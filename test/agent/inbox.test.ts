import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { openInbox } from '../../agent/inbox.ts'

t.test('events of one moment come as one batch, in order', async t => {
  const stop = new AbortController()
  const inbox = openInbox<number>(systemClock, 10, n => -n)
  inbox.post(1)
  inbox.post(2)
  const batches = inbox.batches(stop.signal)
  t.same((await batches.next()).value, [1, 2])
  setTimeout(() => inbox.post(3), 5)
  t.same((await batches.next()).value, [3])
  stop.abort()
  t.equal((await batches.next()).done, true)
})

t.test('a wake-up gives an empty batch, not before its time', async t => {
  const stop = new AbortController()
  const inbox = openInbox<number>(systemClock, 10, n => -n)
  const batches = inbox.batches(stop.signal)
  const at = systemClock.mono() + 30
  inbox.wakeAt(at)
  t.same((await batches.next()).value, [])
  t.ok(systemClock.mono() >= at)
  inbox.wakeAt(systemClock.mono() + 10_000)
  inbox.wakeAt(systemClock.mono() + 5)
  t.same((await batches.next()).value, [], 'a later call replaces an earlier one')
  stop.abort()
})

t.test('what does not fit is counted and told', async t => {
  const stop = new AbortController()
  const inbox = openInbox<number>(systemClock, 2, dropped => -dropped)
  for (const n of [1, 2, 3, 4, 5]) inbox.post(n)
  t.same((await inbox.batches(stop.signal).next()).value, [1, 2, -3])
  stop.abort()
})

t.test('an abort ends a waiting reader', async t => {
  const stop = new AbortController()
  const inbox = openInbox<number>(systemClock, 2, dropped => -dropped)
  const next = inbox.batches(stop.signal).next()
  setTimeout(() => stop.abort(), 5)
  t.equal((await next).done, true)
})

t.test('a wake-up time that has passed does not keep sockets and timers from their turn', async t => {
  const stop = new AbortController()
  const inbox = openInbox<number>(systemClock, 10, n => -n)
  let fired = false
  setTimeout(() => {
    fired = true
  }, 5)
  const end = systemClock.mono() + 1_000
  const batches = inbox.batches(stop.signal)
  while (!fired && systemClock.mono() < end) {
    inbox.wakeAt(systemClock.mono() - 1)
    await batches.next()
  }
  t.ok(fired, 'a timer fired beside a loop that asks for the past again and again')
  stop.abort()
})
