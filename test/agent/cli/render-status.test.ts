import t from 'tap'
import type { StatusDocument } from '#protocol/status.ts'
import { renderStatus } from '../../../agent/cli/render-status.ts'

const boot = '11111111-2222-3333-4444-555555555555'
const status: StatusDocument = {
  version: 1,
  node: 'n2',
  agentVersion: '0.1.0',
  at: '2026-11-24T14:28:26.683Z',
  bootId: boot,
  drbd: { phase: 'live', family: 1, unknown: 0 },
  members: { count: 3, majority: 2, hash: 'ab', heldBack: false },
  lease: { held: true, leftMs: 2800, because: 'a majority grants it' },
  watchdog: { device: 'open', armed: true, resetMs: 5000, fedMsAgo: 200 },
  apiReachable: false,
  nodes: [
    {
      node: 'n1',
      state: 'suspected',
      bootId: boot,
      armed: true,
      heardMsAgo: 1500,
      missing: 'n3: has not seen it',
      failover: 'none',
    },
    { node: 'n2', state: 'self', bootId: boot, armed: true, failover: 'none' },
    { node: 'n3', state: 'over', bootId: boot, armed: true, condemnedBy: 'lease', failover: 'done' },
    { node: 'n4', state: 'never-seen', armed: false, failover: 'none' },
  ],
  volumes: [
    {
      resource: 'r0',
      role: 'Primary',
      disks: [{ volume: 0, minor: 0, disk: 'UpToDate', client: false }],
      peers: [
        { node: 'n1', connection: 'Connecting', role: 'Unknown', disk: 'DUnknown', replication: 'Off' },
      ],
      suspended: ['fencing'],
      failsIo: false,
    },
  ],
  volumesLeftOff: 3,
  fenceRequests: ['r0'],
  dropped: 0,
  standing: [],
}

t.test('says what an operator looks for, in 80 columns', async t => {
  const text = renderStatus(status, [
    {
      at: '2026-11-24T14:28:21.983Z',
      topic: 'proof',
      subject: 'n3',
      verdict: 'over',
      because: 'x'.repeat(200),
    },
  ])
  for (const line of text.split('\n')) t.ok(line.length <= 80, line)
  for (const word of [
    /lease +held, 2.8 s left/,
    /watchdog +armed, resets after 5.0 s, fed 0.2 s ago/,
    /API +not reachable/,
    /n1 +suspected +yes +1.5 s ago +never/,
    /n1: no proof: n3: has not seen it/,
    /n3 +over \(lease\) +yes +never +never +done/,
    /n4 +never-seen +no/,
    /r0 +Primary +UpToDate +n1 +Connecting +Unknown +DUnknown/,
    /suspended:fencing/,
    /and 3 more/,
    /14:28:21.983 proof n3 → over: x+…/,
  ])
    t.match(text, word)
})

t.test('a node without anything says so', async t => {
  const text = renderStatus(
    {
      ...status,
      lease: { held: false, because: 'the members are not known yet' },
      watchdog: { device: 'failed', armed: false, resetMs: 0, failure: 'no such device' },
      volumes: [],
      volumesLeftOff: 0,
    },
    [],
  )
  t.match(text, /lease +not held: the members are not known yet/)
  t.match(text, /watchdog +no such device/)
  t.match(text, /none on this node/)
  t.match(text, /none yet/)
})
