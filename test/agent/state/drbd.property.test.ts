/** Properties of the DRBD slice: histories and dumps lead to the same state. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { DrbdState } from '../../../agent/state/drbd-model.ts'
import type { DrbdNotice, NoticeHow } from '../../../agent/wire/drbd-notice.ts'
import { after, batch, connection, device, path, peerDevice, resource, snapshot } from './drbd-notices.ts'

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
