import t from 'tap'
import { openLatency } from '../../agent/latency.ts'
import type { NodeEvent } from '../../agent/state/events.ts'

const event = (at: number): NodeEvent => ({ kind: 'drbd-batch', at, notices: [] })

t.test('only events of the kernel count; the last thousand make the figures', async t => {
  const latency = openLatency()
  t.equal(latency.figures(), undefined)
  latency.note([{ kind: 'turn', at: 0 }], 50)
  t.equal(latency.figures(), undefined)
  for (let n = 0; n < 500; n++) latency.note([event(n)], n + 100)
  for (let n = 0; n < 990; n++) latency.note([event(n)], n + 1)
  t.same(latency.figures(), { count: 1000, p50Ms: 1, p99Ms: 100, maxMs: 100 })
})
