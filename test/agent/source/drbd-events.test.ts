/** The source against a kernel that loses, interrupts, goes away and comes back; and against the kernel of this machine. */
import { existsSync } from 'node:fs'
import t from 'tap'
import { systemClock } from '#kit/clock.ts'
import { type DrbdEvents, openDrbdEvents } from '../../../agent/source/drbd-events.ts'
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'
import { CMD } from '../../../agent/wire/drbd-codes.ts'
import type { Blocks } from '../../../agent/wire/drbd-tables.ts'
import { FakeDrbdKernel } from '../../fakes/drbd-kernel.ts'

const log = { info: () => {}, warn: () => {}, debug: () => {} }
const [CREATE, CHANGE, DESTROY] = [1, 2, 3]
const CONTINUES = 0x8000

const resource = (name: string, role: number): Blocks => ({
  cfg_context: { ctx_resource_name: name },
  resource_info: { res_role: role },
})
const device = (name: string, disk: number): Blocks => ({
  cfg_context: { ctx_resource_name: name, ctx_volume: 0 },
  device_info: { dev_disk_state: disk },
})

class Watcher implements AsyncDisposable {
  readonly events: DrbdEvent[] = []
  state: DrbdState = NO_DRBD
  readonly source: DrbdEvents

  constructor(kernel: FakeDrbdKernel, deadlineMs = 2_000) {
    const post = (event: DrbdEvent): void => {
      this.events.push(event)
      this.state = reduceDrbd(this.state, event)
    }
    this.source = openDrbdEvents(
      { clock: systemClock, log, open: kernel.open, deadlineMs },
      post,
      new AbortController().signal,
    )
  }

  /** `resync:start`, `snapshot`, `batch`, … */
  get story(): string[] {
    return this.events
      .filter(({ kind }) => kind !== 'drbd-config')
      .map(event =>
        event.kind === 'drbd-resync' ? `resync:${event.because}` : event.kind.slice('drbd-'.length),
      )
  }

  async until(test: () => boolean, what: string): Promise<void> {
    const end = systemClock.mono() + 5_000
    while (!test()) {
      if (systemClock.mono() > end) throw new Error(`never: ${what}; ${this.story.join(' ')}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  async live(): Promise<void> {
    await this.until(() => this.state.phase === 'live', 'live')
  }

  roles(): string {
    return [...this.state.resources.values()].map(({ name, role }) => `${name}:${role}`).join(' ')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]()
  }
}

function loadedKernel(): FakeDrbdKernel {
  const kernel = new FakeDrbdKernel()
  kernel.load(30)
  kernel.objects = [{ cmd: CMD.RESOURCE_STATE, blocks: resource('a', 2) }]
  return kernel
}

t.test('dump, then what came meanwhile, then live', async t => {
  using kernel = loadedKernel()
  kernel.onDump = () => kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('a', 1))
  await using watcher = new Watcher(kernel)
  await watcher.until(() => watcher.roles() === 'a:Primary', 'the change')
  t.same(watcher.story, ['resync:start', 'snapshot', 'batch'])
  kernel.tell(CMD.RESOURCE_STATE, CREATE | CONTINUES, resource('b', 2))
  kernel.tell(CMD.DEVICE_STATE, CREATE, device('b', 9), { minor: 7 })
  await watcher.until(() => watcher.state.resources.size === 2, 'the new resource')
  t.same(watcher.story, ['resync:start', 'snapshot', 'batch', 'batch'], 'a batch is one event')
  t.equal(watcher.state.resources.get('b' as never)?.devices.get(0)?.disk, 'UpToDate')
})

t.test('an interrupted dump is repeated', async t => {
  using kernel = loadedKernel()
  kernel.interrupts = 2
  await using watcher = new Watcher(kernel)
  await watcher.live()
  t.equal(kernel.dumps, 3)
  t.equal(watcher.roles(), 'a:Secondary')
})

t.test('a gap: said, and made good', async t => {
  using kernel = loadedKernel()
  await using watcher = new Watcher(kernel)
  await watcher.live()
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('a', 1))
  kernel.objects = [
    { cmd: CMD.RESOURCE_STATE, blocks: resource('a', 1) },
    { cmd: CMD.RESOURCE_STATE, blocks: resource('c', 2) },
  ]
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('a', 2), { skip: 1 })
  await watcher.until(() => watcher.state.resources.size === 2, 'the dump')
  t.same(watcher.story, ['resync:start', 'snapshot', 'batch', 'resync:gap', 'snapshot'])
  t.equal(watcher.roles(), 'a:Primary c:Secondary')
  t.match(watcher.source.counters(), { resyncs: 1 })
})

t.test('bytes without form are a loss, no crash', async t => {
  using kernel = loadedKernel()
  await using watcher = new Watcher(kernel)
  await watcher.live()
  kernel.tellBytes(Uint8Array.of(40, 0, 0, 0, 30, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0))
  await watcher.until(() => watcher.story.length === 4, 'a new dump')
  t.same(watcher.story.slice(2), ['resync:malformed', 'snapshot'])
  t.match(watcher.source.counters(), { malformed: 1 })
})

t.test('a change of something never announced leads to a dump, not to a guess', async t => {
  using kernel = loadedKernel()
  await using watcher = new Watcher(kernel)
  await watcher.live()
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('x', 1))
  await watcher.until(() => watcher.story.length === 4, 'a new dump')
  t.same(watcher.story.slice(2), ['resync:unknown object', 'snapshot'])
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('x', 1))
  kernel.tell(CMD.RESOURCE_STATE, DESTROY, resource('a', 1))
  await watcher.until(() => watcher.state.resources.size === 0, 'the end of a')
  t.equal(watcher.story.length, 5, 'once')
})

t.test('no module; loaded later; gone; back under another number', async t => {
  using kernel = new FakeDrbdKernel()
  await using watcher = new Watcher(kernel)
  await watcher.until(() => watcher.state.phase === 'no module', 'no module')
  kernel.load(30)
  await watcher.live()
  kernel.objects = [{ cmd: CMD.RESOURCE_STATE, blocks: resource('a', 1) }]
  kernel.unload()
  await watcher.until(() => watcher.state.phase === 'no module', 'no module again')
  kernel.load(31, 1)
  await watcher.live()
  t.same(watcher.story, ['absent', 'resync:start', 'snapshot', 'absent', 'resync:start', 'snapshot'])
  t.match(watcher.state, { familyVersion: 1 })
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('a', 2))
  await watcher.until(() => watcher.roles() === 'a:Secondary', 'an event of the new life')
})

t.test('a kernel that does not answer is asked again, and events do not wait for it', async t => {
  using kernel = loadedKernel()
  await using watcher = new Watcher(kernel, 100)
  await watcher.live()
  kernel.silent = true
  watcher.source.resync('test')
  t.equal(watcher.state.phase, 'resync', 'said at once')
  await new Promise(resolve => setTimeout(resolve, 400))
  t.equal(watcher.state.phase, 'resync', 'and as long as there is no answer')
  kernel.silent = false
  await watcher.live()
  t.equal(watcher.roles(), 'a:Secondary')
})

t.test('an event is handed over while a request hangs', async t => {
  using kernel = loadedKernel()
  await using watcher = new Watcher(kernel)
  await watcher.live()
  kernel.silent = true // the configuration is read after this, and gets no answer
  kernel.tell(CMD.RESOURCE_STATE, CREATE, resource('b', 2))
  await watcher.until(() => watcher.state.resources.size === 2, 'the event')
  await new Promise(resolve => setTimeout(resolve, 100))
  kernel.tell(CMD.RESOURCE_STATE, CHANGE, resource('b', 1))
  await watcher.until(() => watcher.roles() === 'a:Secondary b:Primary', 'the next event')
  t.equal(watcher.state.phase, 'live')
})

const loaded = existsSync('/proc/drbd')

t.test('the kernel of this machine: with DRBD live, without it says so; ends when told, at once', async t => {
  const events: DrbdEvent[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = new AbortController()
  const post = (event: DrbdEvent): void => {
    events.push(event)
    if (event.kind === 'drbd-absent' || event.kind === 'drbd-snapshot') resolve()
  }
  const source = openDrbdEvents({ clock: systemClock, log }, post, stop.signal)
  await promise
  t.equal(events.at(-1)?.kind, loaded ? 'drbd-snapshot' : 'drbd-absent')
  t.ok((events.at(-1)?.at ?? 0) <= systemClock.mono(), 'with the time at which it was seen')
  const told = systemClock.mono()
  stop.abort()
  await source.ended
  t.ok(systemClock.mono() - told < 200, 'ends promptly')
  const count = events.length
  source.resync('nobody listens any more')
  t.equal(events.length, count, 'says nothing afterwards')
})

t.test('disposal ends it too, also before it found anything', async t => {
  const source = openDrbdEvents({ clock: systemClock, log }, () => {}, new AbortController().signal)
  await source[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
  t.pass()
})
