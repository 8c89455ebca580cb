/** The reducer: phases, batches, helpers, names; and that a dump is the truth whatever came before. */
import t from 'tap'
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import {
  after,
  batch,
  connection,
  device,
  head,
  helper,
  only,
  path,
  peerDevice,
  resource,
  snapshot,
  whole,
} from './drbd-notices.ts'

t.test('phases', t => {
  t.equal(after().phase, 'starting')
  t.match(after({ kind: 'drbd-resync', at: 1, familyVersion: 1, because: 'start' }), {
    phase: 'resync',
    familyVersion: 1,
  })
  t.match(after(snapshot()), { phase: 'live', familyVersion: 2 })
  const lost = after(snapshot(...whole), { kind: 'drbd-resync', at: 1, familyVersion: 2, because: 'overrun' })
  t.equal(lost.phase, 'resync')
  t.equal(lost.resources.size, 1, 'what was known is still shown, as old')
  t.match(after(snapshot(...whole), { kind: 'drbd-absent', at: 1 }), {
    phase: 'no module',
    familyVersion: undefined,
  })
  t.equal(after(snapshot(...whole), { kind: 'drbd-absent', at: 1 }).resources.size, 0)
  t.end()
})

t.test('objects in their places', t => {
  const state = only(after(snapshot(...whole)))
  t.match(state, { name: 'a', role: 'Secondary', writeOrdering: 'flush' })
  t.match(state.devices.get(0), { minor: 1000, disk: 'UpToDate', sizeBytes: 1_048_576, fencing: 'unknown' })
  t.match(state.connections.get(1)?.peerDevices.get(0), {
    peerDisk: 'UpToDate',
    outOfSyncBytes: 4096,
    peerStable: true,
  })
  t.end()
})

t.test('the end of a connection takes its peer devices with it, that of a volume too', t => {
  const state = after(
    snapshot(...whole, device('a', 1, 'exists'), peerDevice('a', 1, 1, 'exists')),
    batch(device('a', 0, 'destroy')),
  )
  t.same([...only(state).devices.keys()], [1])
  t.same([...(only(state).connections.get(1)?.peerDevices.keys() ?? [])], [1])
  t.equal(
    only(reduceDrbd(state, batch(peerDevice('a', 1, 1, 'destroy'), connection('a', 1, 'destroy'))))
      .connections.size,
    0,
  )
  t.end()
})

t.test('create of a known and destroy of an unknown object do no harm', t => {
  const state = after(
    snapshot(...whole),
    batch(resource('a', 'create', 'Primary'), device('b', 0, 'destroy'), connection('a', 9, 'destroy')),
  )
  t.equal(only(state).role, 'Primary')
  t.equal(only(state).devices.size, 1)
  t.equal(state.unknown.size, 0)
  t.end()
})

t.test('what hangs on nothing is counted and left out', t => {
  const state = after(snapshot(), batch(device('b', 0, 'change'), peerDevice('b', 1, 0, 'change')))
  t.equal(state.resources.size, 0)
  t.same(
    [...state.unknown],
    [
      ['orphan.device', 1],
      ['orphan.peer-device', 1],
    ],
  )
  t.end()
})

t.test('a new name', t => {
  const state = after(
    snapshot(...whole),
    batch({ ...head('a', 'rename'), object: 'resource', newName: 'z', info: undefined }),
  )
  t.same([...state.resources.keys()], ['z'])
  t.match(only(state), { name: 'z', role: 'Secondary' })
  t.equal(only(state).devices.size, 1)
  t.end()
})

t.test('the address is that of an established path', t => {
  const state = after(
    snapshot(
      ...whole,
      path('a', 1, '10.0.0.9:7000', 'exists', false),
      path('a', 1, '10.1.0.9:7000', 'exists', true),
    ),
  )
  t.match(only(state).connections.get(1), { localAddress: '10.1.0.9:7000', peerAddress: '10.0.0.1:7000' })
  const gone = reduceDrbd(state, batch(path('a', 1, '10.1.0.9:7000', 'destroy', false)))
  t.equal(only(gone).connections.get(1)?.localAddress, '10.0.0.9:7000')
  t.end()
})

t.test('helpers: called, answered, the last ones kept', t => {
  const called = after(snapshot(...whole), batch(helper('call')))
  t.match(called.helpers, [{ helper: 'fence-peer', calledAt: 5, endedAt: undefined }])
  t.match(reduceDrbd(called, batch(helper('response', 1024))).helpers, [{ endedAt: 5, exitCode: 4 }])
  t.match(reduceDrbd(called, batch(helper('response', 4294967294))).helpers, [{ exitCode: -2 }])
  t.match(
    after(snapshot(...whole), batch(helper('response', 0))).helpers,
    [{ calledAt: undefined, exitCode: 0 }],
    'call not seen',
  )
  const many = Array.from({ length: 200 }, () => batch(helper('call')))
  t.equal(after(snapshot(...whole), ...many).helpers?.length, 64)
  t.end()
})

t.test('the configuration is known only as far as it was read', t => {
  const config = (fencing: 'resource-and-stonith' | undefined): DrbdEvent => ({
    kind: 'drbd-config',
    at: 7,
    config: {
      resources: [{ resource: 'a', options: { quorum: 1024 } }],
      devices: fencing === undefined ? [] : [{ resource: 'a', volume: 0, fencing }],
      connections: [
        {
          resource: 'a',
          peerNodeId: 1,
          fencing: 'resource-only',
          localAddress: '10.0.0.9:1',
          peerAddress: '10.0.0.1:1',
        },
      ],
    },
  })
  const read = after(snapshot(...whole), config('resource-and-stonith'))
  t.match(only(read), { options: { quorum: 1024 } })
  t.equal(only(read).devices.get(0)?.fencing, 'resource-and-stonith')
  t.match(only(read).connections.get(1), {
    fencing: 'resource-only',
    localAddress: '10.0.0.9:1',
    peerAddress: '10.0.0.1:1',
  })
  t.equal(
    only(reduceDrbd(read, batch(device('a', 0, 'change', 'Diskless')))).devices.get(0)?.fencing,
    'resource-and-stonith',
    'events keep it',
  )
  t.equal(
    only(reduceDrbd(read, config(undefined))).devices.get(0)?.fencing,
    'unknown',
    'a disk that is gone has no policy',
  )
  t.equal(
    only(reduceDrbd(read, snapshot(...whole))).devices.get(0)?.fencing,
    'unknown',
    'a fresh dump trusts nothing old',
  )
  t.end()
})

/** Random messages about few objects: creations, changes and ends in any order. */
