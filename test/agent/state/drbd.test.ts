/** The reducer: phases, batches, helpers, names; and that a dump is the truth whatever came before. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'
import type { DrbdNotice, NoticeHow } from '../../../agent/wire/drbd-notice.ts'

const calm = { user: false, noData: false, fencing: false, quorum: false }
const noResync = { user: false, peer: false, dependency: false, maxParallel: false }
const head = (resource: string, how: NoticeHow) => ({
  how,
  continues: false,
  resource,
  unknown: [] as string[],
})

const resource = (name: string, how: NoticeHow, role: 'Primary' | 'Secondary' = 'Secondary'): DrbdNotice => ({
  ...head(name, how),
  object: 'resource',
  newName: undefined,
  info: how === 'destroy' ? undefined : { role, suspended: calm, failIo: false, writeOrdering: 'flush' },
})
const device = (
  name: string,
  volume: number,
  how: NoticeHow,
  disk: 'UpToDate' | 'Diskless' = 'UpToDate',
): DrbdNotice => ({
  ...head(name, how),
  object: 'device',
  volume,
  minor: 1000 + volume,
  info:
    how === 'destroy'
      ? undefined
      : {
          disk,
          client: false,
          hasQuorum: true,
          isOpen: false,
          backingDev: undefined,
          statistics: { dev_size: 2048n },
        },
})
const connection = (
  name: string,
  peerNodeId: number,
  how: NoticeHow,
  state: 'Connected' | 'Connecting' = 'Connected',
): DrbdNotice => ({
  ...head(name, how),
  object: 'connection',
  peerNodeId,
  connName: `n${peerNodeId}`,
  localAddress: undefined,
  peerAddress: undefined,
  info: how === 'destroy' ? undefined : { state, peerRole: 'Secondary', statistics: undefined },
})
const peerDevice = (
  name: string,
  peerNodeId: number,
  volume: number,
  how: NoticeHow,
  peerDisk: 'UpToDate' | 'Outdated' = 'UpToDate',
): DrbdNotice => ({
  ...head(name, how),
  object: 'peer-device',
  peerNodeId,
  volume,
  info:
    how === 'destroy'
      ? undefined
      : {
          replication: 'Established',
          peerDisk,
          peerClient: false,
          resyncSuspended: noResync,
          peerStable: true,
          statistics: { peer_dev_out_of_sync: 8n },
        },
})
const path = (
  name: string,
  peerNodeId: number,
  local: string,
  how: NoticeHow,
  established: boolean,
): DrbdNotice => ({
  ...head(name, how),
  object: 'path',
  peerNodeId,
  local,
  peer: `10.0.0.${peerNodeId}:7000`,
  established,
})
const helper = (how: 'call' | 'response', status = 0): DrbdNotice => ({
  ...head('a', how),
  object: 'helper',
  peerNodeId: undefined,
  volume: 0,
  helper: 'fence-peer',
  status,
})
const batch = (...notices: DrbdNotice[]): DrbdEvent => ({ kind: 'drbd-batch', at: 5, notices })
const snapshot = (...notices: DrbdNotice[]): DrbdEvent => ({
  kind: 'drbd-snapshot',
  at: 9,
  familyVersion: 2,
  notices,
})
const after = (...events: DrbdEvent[]): DrbdState => events.reduce(reduceDrbd, NO_DRBD)
const only = (state: DrbdState) => {
  const [one] = state.resources.values()
  if (one === undefined) throw new Error('no resource')
  return one
}
const whole = [
  resource('a', 'exists'),
  connection('a', 1, 'exists'),
  device('a', 0, 'exists'),
  peerDevice('a', 1, 0, 'exists'),
]

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
const names = fc.constantFrom('a', 'b')
const hows = fc.constantFrom<NoticeHow>('create', 'change', 'destroy')
const notices: fc.Arbitrary<DrbdNotice> = fc.oneof(
  fc
    .tuple(names, hows, fc.constantFrom('Primary' as const, 'Secondary' as const))
    .map(([n, h, role]) => resource(n, h, role)),
  fc
    .tuple(names, fc.nat(1), hows, fc.constantFrom('UpToDate' as const, 'Diskless' as const))
    .map(([n, v, h, disk]) => device(n, v, h, disk)),
  fc
    .tuple(names, fc.nat(1), hows, fc.constantFrom('Connected' as const, 'Connecting' as const))
    .map(([n, p, h, s]) => connection(n, p, h, s)),
  fc
    .tuple(names, fc.nat(1), fc.nat(1), hows, fc.constantFrom('UpToDate' as const, 'Outdated' as const))
    .map(([n, p, v, h, d]) => peerDevice(n, p, v, h, d)),
  fc.tuple(names, fc.nat(1), hows, fc.boolean()).map(([n, p, h, e]) => path(n, p, '10.0.0.9:7000', h, e)),
)

t.test('property: after any history, a dump gives what the dump alone gives', t => {
  fc.assert(
    fc.property(
      fc.array(notices, { maxLength: 40 }),
      fc.array(notices, { maxLength: 20 }),
      (history, dump) => {
        const late = after(snapshot(), ...history.map(notice => batch(notice)), snapshot(...dump))
        return isDeepStrictEqual(late.resources, after(snapshot(...dump)).resources)
      },
    ),
  )
  t.pass()
  t.end()
})

/** A kernel in small: what exists, told as a dump or as events. */
class Kernel {
  readonly told: DrbdNotice[] = []
  readonly #objects = new Map<string, (how: NoticeHow) => DrbdNotice>()

  put(key: string, parents: readonly string[], notice: (how: NoticeHow) => DrbdNotice): void {
    if (!parents.every(parent => this.#objects.has(parent))) return
    this.told.push(notice(this.#objects.has(key) ? 'change' : 'create'))
    this.#objects.set(key, notice)
  }

  end(key: string): void {
    // Children first, as the kernel does; keys of children contain that of each parent.
    for (const child of [...this.#objects.keys()].filter(each => each !== key && isBelow(each, key)))
      this.#drop(child)
    this.#drop(key)
  }

  #drop(key: string): void {
    const notice = this.#objects.get(key)
    if (notice !== undefined) this.told.push(notice('destroy'))
    this.#objects.delete(key)
  }

  dump(): DrbdNotice[] {
    const depth = (key: string): number => key.split(' ').length
    return [...this.#objects].sort(([a], [b]) => depth(a) - depth(b)).map(([, notice]) => notice('exists'))
  }
}
const isBelow = (child: string, parent: string): boolean =>
  parent.split(' ').every(part => child.split(' ').includes(part))

interface Step {
  readonly kind: 'resource' | 'device' | 'connection' | 'peer-device' | 'path' | 'end'
  readonly n: string
  readonly flag: boolean
  readonly p: number
  readonly v: number
}

function play(kernel: Kernel, { kind, n, flag, p, v }: Step): void {
  const [r, d, c] = [`r${n}`, `d${v}`, `c${p}`]
  switch (kind) {
    case 'resource':
      kernel.put(r, [], how => resource(n, how, flag ? 'Primary' : 'Secondary'))
      break
    case 'device':
      kernel.put(`${r} ${d}`, [r], how => device(n, v, how, flag ? 'UpToDate' : 'Diskless'))
      break
    case 'connection':
      kernel.put(`${r} ${c}`, [r], how => connection(n, p, how, flag ? 'Connected' : 'Connecting'))
      break
    case 'path':
      kernel.put(`${r} ${c} path`, [`${r} ${c}`], how => path(n, p, '10.0.0.9:7000', how, flag))
      break
    case 'peer-device': {
      const told = (how: NoticeHow) => peerDevice(n, p, v, how, flag ? 'UpToDate' : 'Outdated')
      kernel.put(`${r} ${c} ${d}`, [`${r} ${c}`, `${r} ${d}`], told)
      break
    }
    case 'end':
      kernel.end(v === 0 ? `${r} ${flag ? d : c}` : r)
      break
  }
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('resource', 'device', 'connection', 'peer-device', 'path', 'end'),
  n: fc.constantFrom('a', 'b'),
  flag: fc.boolean(),
  p: fc.nat(1),
  v: fc.nat(1),
})

t.test('property: events lead to the state that a dump at that moment gives', t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const kernel = new Kernel()
      for (const each of steps) play(kernel, each)
      const live = after(snapshot(), ...kernel.told.map(notice => batch(notice)))
      return isDeepStrictEqual(normal(live), normal(after(snapshot(...kernel.dump()))))
    }),
    { numRuns: 500 },
  )
  t.pass()
  t.end()
})

/** An empty list of paths says the same as none. */
function normal(state: DrbdState): unknown {
  return new Map(
    [...state.resources].map(([name, each]) => [
      name,
      {
        ...each,
        connections: new Map(
          [...each.connections].map(([id, peer]) => [id, { ...peer, paths: peer.paths ?? new Map() }]),
        ),
      },
    ]),
  )
}
