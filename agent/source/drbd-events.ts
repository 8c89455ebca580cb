/** The kernel's DRBD events without `drbdsetup`: subscribe, dump, replay, live; a loss of any kind becomes a fresh dump. */
import { backoffMs } from '#kit/backoff.ts'
import type { Clock, MonoMs } from '#kit/clock.ts'
import { sayError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import { type ExchangeOptions, type Listener, type OpenNetlink, openListener } from '../host/nlsocket.ts'
import type { DrbdEvent } from '../state/drbd.ts'
import { CMD } from '../wire/drbd-codes.ts'
import { readDrbdMessage } from '../wire/drbd-message.ts'
import { type DrbdNotice, toNotice } from '../wire/drbd-notice.ts'
import type { FamilyRef } from '../wire/drbd-request.ts'
import { type GenlFamily, NLCTRL_ID, NLCTRL_NOTIFY_GROUP, readFamilyNotice } from '../wire/genl.ts'
import { NLMSG_HEADER, type NlMessage, readNlMessages } from '../wire/nlmsg.ts'
import { type ConfigReader, openConfigReader } from './drbd-config-reader.ts'
import { readFamily, readInitialState } from './drbd-dump.ts'
import { DrbdSequence, type Step } from './drbd-sequence.ts'

export interface DrbdEventsOptions {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
  readonly receiveBytes?: number
  /** For each answer of the kernel. */
  readonly deadlineMs?: number
  /** Another kernel than the one below, for tests. */
  readonly open?: OpenNetlink
}

export interface DrbdCounters {
  readonly datagrams: number
  readonly events: number
  readonly overruns: number
  readonly resyncs: number
  readonly malformed: number
}

export interface DrbdEvents extends AsyncDisposable {
  /** Somebody behind us lost an event: read everything again. */
  resync(because: string): void
  counters(): DrbdCounters
  /** Ends when the signal has ended it. */
  readonly ended: Promise<void>
}

const RECEIVE_BYTES = 16 * 1024 * 1024
const NOTIFY_BYTES = 1024 * 1024
const DEADLINE_MS = 5_000
/** A module that was loaded without a word (or whose word was lost) is found this late. */
const LOOK_FOR_MODULE_MS = 10_000
const RESYNC_QUIET_MS = 10_000

/** Opens the source at once; what it finds comes through `post`, in the same turn in which it was read. */
export function openDrbdEvents(
  options: DrbdEventsOptions,
  post: (event: DrbdEvent) => void,
  signal: AbortSignal,
): DrbdEvents {
  const own = new AbortController()
  const source = new Source(options, post, AbortSignal.any([signal, own.signal]))
  const ended = source.run()
  return {
    ended,
    resync: because => source.lose(because),
    counters: () => ({ ...source.counters }),
    async [Symbol.asyncDispose]() {
      own.abort(new DOMException('closed', 'AbortError'))
      await ended
    },
  }
}

class Source {
  readonly counters = { datagrams: 0, events: 0, overruns: 0, resyncs: 0, malformed: 0 }
  readonly #clock: Clock
  readonly #log: DrbdEventsOptions['log']
  readonly #options: DrbdEventsOptions
  readonly #post: (event: DrbdEvent) => void
  readonly #signal: AbortSignal
  readonly #named = new Set<string>()
  #sequence = new DrbdSequence()
  #family: FamilyRef | undefined
  /** Why the state has to be read again; undefined while it is current or a dump has begun. */
  #lost: string | undefined
  #wake = Promise.withResolvers<void>()
  #life = new AbortController()
  #tick: NodeJS.Timeout | undefined
  #config: ConfigReader | undefined
  #saidAbsent = false

  constructor(options: DrbdEventsOptions, post: (event: DrbdEvent) => void, signal: AbortSignal) {
    this.#clock = options.clock
    this.#log = options.log
    this.#options = options
    this.#post = post
    this.#signal = signal
  }

  async run(): Promise<void> {
    let attempt = 0
    while (!this.#signal.aborted) {
      const life = new AbortController()
      this.#life = life
      try {
        await this.#oneLife(AbortSignal.any([this.#signal, life.signal]))
        attempt = 0
      } catch (error) {
        if (life.signal.aborted || this.#signal.aborted) continue
        attempt += 1
        this.lose('broken')
        this.#log.warn({ attempt, err: error }, 'DRBD events are read anew')
        await this.#clock.sleep(backoffMs(attempt), this.#signal).catch(() => undefined)
      } finally {
        life.abort()
        this.#family = undefined
        clearTimeout(this.#tick)
        this.#config = undefined
      }
    }
  }

  /** One life of the module, or of the wait for it. */
  async #oneLife(signal: AbortSignal): Promise<void> {
    const broken = Promise.withResolvers<never>()
    // Handled below; a listener that breaks while nobody waits must not end the process.
    broken.promise.catch(() => undefined)
    const heard = {
      datagram: (bytes: Uint8Array, at: MonoMs) => this.#datagram(bytes, at),
      overrun: () => {
        this.counters.overruns += 1
        this.lose('overrun')
      },
      broken: (error: unknown) => broken.reject(error),
    }
    const listen = (group: number, receiveBytes: number): Listener => {
      const listener = openListener(this.#clock, receiveBytes, heard, this.#options.open)
      listener.join(group)
      return listener
    }
    using _nlctrl = listen(NLCTRL_NOTIFY_GROUP, NOTIFY_BYTES)
    const family = await readFamily(this.#exchange(signal))
    if (family === undefined) {
      this.#absent()
      await this.#clock.sleep(LOOK_FOR_MODULE_MS, signal)
      return
    }
    const listenToEvents = (): Listener | undefined => {
      const group = family.groups.get('events')
      return group === undefined ? undefined : listen(group, this.#options.receiveBytes ?? RECEIVE_BYTES)
    }
    await Promise.race([broken.promise, this.#dumps(this.#found(family), listenToEvents, signal)])
  }

  #exchange(signal: AbortSignal): ExchangeOptions {
    return { deadlineMs: this.#options.deadlineMs ?? DEADLINE_MS, signal, open: this.#options.open }
  }

  #found(family: GenlFamily): FamilyRef {
    const found: FamilyRef = { id: family.id, version: family.version === 1 ? 1 : 2 }
    this.#saidAbsent = false
    this.#family = found
    this.#sequence = new DrbdSequence()
    this.#lost = 'start'
    this.#log.info({ familyVersion: family.version, familyId: family.id }, 'DRBD found')
    return found
  }

  #absent(): void {
    if (this.#saidAbsent) return
    this.#saidAbsent = true
    this.#log.warn('DRBD is not in this kernel, or (8.4) not in this network namespace')
    this.#post({ kind: 'drbd-absent', at: this.#clock.mono() })
  }

  /** Reads the state each time it was lost. */
  async #dumps(family: FamilyRef, listen: () => Listener | undefined, signal: AbortSignal): Promise<void> {
    const config = openConfigReader(family, this.#exchange(signal), this.#log, found =>
      this.#post({ kind: 'drbd-config', at: this.#clock.mono(), config: found }),
    )
    this.#config = config
    let row = 0
    let last = -Infinity
    while (!signal.aborted) {
      row = this.#clock.mono() - last > RESYNC_QUIET_MS ? 0 : row + 1
      if (row > 1) await this.#clock.sleep(backoffMs(row - 1, 50, 5_000), signal)
      this.#begin(family)
      // A fresh socket each time: what the old one still holds is older than the dump and has a hole in it.
      using listener = listen()
      this.#sayBuffer(listener)
      const notices = await readInitialState(family, this.#exchange(signal))
      last = this.#clock.mono()
      if (signal.aborted) return
      if (notices === undefined) this.lose('interrupted')
      // Lost again meanwhile, or not one moment's truth: once more.
      if (notices === undefined || this.#lost !== undefined) continue
      for (const notice of notices) this.#nameUnknown(notice)
      this.#do(this.#sequence.dumped(notices), last)
      this.#arm()
      config.now()
      if (this.#lost === undefined) await waitFor(this.#wake.promise, signal)
    }
  }

  #sayBuffer(listener: Listener | undefined): void {
    if (listener?.receiveBuffer.forced !== false) return
    const { bytes } = listener.receiveBuffer
    this.#nameOnce(`a receive buffer of ${bytes} bytes: net.core.rmem_max limits it without CAP_NET_ADMIN`)
  }

  #begin(family: FamilyRef): void {
    const because = this.#lost ?? 'start'
    this.#lost = undefined
    this.#wake = Promise.withResolvers()
    this.#sequence.begin()
    this.#log.debug({ because }, 'DRBD state is read')
    if (because === 'start') this.#say(family, because)
  }

  #say(family: FamilyRef, because: string): void {
    this.#post({ kind: 'drbd-resync', at: this.#clock.mono(), familyVersion: family.version, because })
  }

  lose(because: string): void {
    const family = this.#family
    if (family === undefined || this.#lost !== undefined) return
    this.#lost = because
    this.#sequence.begin()
    this.#wake.resolve()
    this.counters.resyncs += 1
    // Said at once: a decision in this turn must not take the old state for current.
    this.#say(family, because)
    this.#log.warn({ because }, 'DRBD events were lost, the state is read again')
  }

  #datagram(bytes: Uint8Array, at: MonoMs): void {
    this.counters.datagrams += 1
    try {
      for (const message of readNlMessages(bytes)) this.#message(message, at)
    } catch (error) {
      this.counters.malformed += 1
      this.#nameOnce(sayError(error))
      this.lose('malformed')
    }
    this.#arm()
  }

  #message(message: NlMessage, at: MonoMs): void {
    if (message.type === NLCTRL_ID) {
      this.#familyChanged(message)
      return
    }
    // 8.4 sends each change in an older form too, with a sequence of its own.
    if (message.type !== this.#family?.id || message.view.getUint8(NLMSG_HEADER) === CMD.EVENT) return
    const notice = toNotice(readDrbdMessage(message))
    this.#nameUnknown(notice)
    this.counters.events += 1
    this.#do(this.#sequence.take(message.seq, notice, at), at)
  }

  #familyChanged(message: NlMessage): void {
    const notice = readFamilyNotice(message)
    if (notice === undefined || notice.kind === 'reply') return
    if ((notice.kind === 'gone' ? notice.name : notice.family.name) !== 'drbd') return
    if (notice.kind === 'gone') this.#absent()
    else this.lose('family')
    this.#family = undefined
    this.#life.abort(new DOMException(`the family is ${notice.kind}`, 'AbortError'))
  }

  #do(steps: readonly Step[], at: MonoMs): void {
    const family = this.#family
    if (family === undefined) return
    for (const step of steps) {
      if (step.kind === 'resync') {
        this.lose(step.because)
        return
      }
      if (step.kind === 'snapshot') {
        this.#post({ kind: 'drbd-snapshot', at, familyVersion: family.version, notices: step.notices })
        continue
      }
      this.#post({ kind: 'drbd-batch', at: step.at, notices: step.notices })
      this.#config?.after(step.notices)
    }
  }

  #arm(): void {
    clearTimeout(this.#tick)
    this.#tick = undefined
    const wakeAt = this.#sequence.wakeAt
    if (wakeAt === undefined) return
    const now = this.#clock.mono()
    this.#tick = setTimeout(
      () => {
        const at = this.#clock.mono()
        this.#do(this.#sequence.tick(at), at)
        this.#arm()
      },
      Math.max(1, Math.ceil(wakeAt - now)),
    )
  }

  #nameUnknown(notice: DrbdNotice): void {
    for (const name of notice.unknown) this.#nameOnce(name)
  }

  #nameOnce(name: string): void {
    if (this.#named.has(name) || this.#named.size > 1_000) return
    this.#named.add(name)
    this.#log.warn({ name }, 'DRBD is not quite as expected')
  }
}

/** Waits for either; throws nothing. */
async function waitFor(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const end = (): void => resolve()
  signal.addEventListener('abort', end)
  await Promise.race([promise, aborted])
  signal.removeEventListener('abort', end)
}
