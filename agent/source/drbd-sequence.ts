/** Puts DRBD's multicast messages in order: queued while a dump runs, gaps found, batches handed over whole. No I/O, no clock. */
import type { MonoMs } from '#kit/clock.ts'
import type { DrbdNotice, ObjectNotice } from '../wire/drbd-notice.ts'
import { seqAhead } from '../wire/nlmsg.ts'

export type Step =
  | { readonly kind: 'snapshot'; readonly notices: readonly DrbdNotice[] }
  /** `at`: when the message came that made the change complete. */
  | { readonly kind: 'batch'; readonly at: MonoMs; readonly notices: readonly DrbdNotice[] }
  /** Something was lost: a fresh dump is needed. */
  | { readonly kind: 'resync'; readonly because: 'gap' | 'order' | 'unknown object' | 'queue full' }

/** Neighbours may arrive swapped; what is missing longer than this was dropped. */
const GAP_WAIT_MS = 150
/** A change of an object that nobody announced: either its end is on the way, or we missed its beginning. */
const STRAY_WAIT_MS = 200
const QUEUE_LIMIT = 200_000

interface Queued {
  readonly seq: number
  readonly notice: DrbdNotice
  readonly at: MonoMs
}

export class DrbdSequence {
  #live = false
  #queue: Queued[] = []
  #next: number | undefined
  #held = new Map<number, Queued>()
  #gapSince: MonoMs | undefined
  #batch: DrbdNotice[] = []
  #known = new Set<string>()
  readonly #strays = new Map<string, MonoMs>()
  /** Strays that a dump did not explain: left alone, or the dumps would never end. */
  readonly #orphans = new Set<string>()

  /** A dump is about to start: from now on messages are queued. */
  begin(): void {
    this.#live = false
    this.#queue = []
    this.#held.clear()
    this.#next = undefined
    this.#gapSince = undefined
    this.#batch = []
    for (const key of this.#strays.keys()) this.#orphans.add(key)
    this.#strays.clear()
  }

  /** The dump is complete: its content is the truth, then what was queued follows. */
  dumped(notices: readonly DrbdNotice[]): Step[] {
    this.#known = new Set(notices.flatMap(notice => keyOf(notice) ?? []))
    for (const key of this.#known) this.#orphans.delete(key)
    this.#live = true
    const queue = this.#queue
    this.#queue = []
    this.#next = queue.reduce<number | undefined>(
      (first, { seq }) => (first === undefined || seqAhead(seq, first) < 0 ? seq : first),
      undefined,
    )
    const steps: Step[] = [{ kind: 'snapshot', notices }]
    for (const { seq, notice, at } of queue) steps.push(...this.take(seq, notice, at))
    return steps
  }

  /** One multicast message. */
  take(seq: number, notice: DrbdNotice, at: MonoMs): Step[] {
    if (!this.#live) {
      if (this.#queue.length >= QUEUE_LIMIT) return [{ kind: 'resync', because: 'queue full' }]
      this.#queue.push({ seq, notice, at })
      return []
    }
    this.#next ??= seq
    const ahead = seqAhead(seq, this.#next)
    if (ahead < 0) return [{ kind: 'resync', because: 'order' }]
    if (ahead > 0) {
      this.#held.set(seq, { seq, notice, at })
      this.#gapSince ??= at
      return []
    }
    const steps = this.#inOrder(notice, at)
    this.#next = (seq + 1) >>> 0
    for (let held = this.#held.get(this.#next); held !== undefined; held = this.#held.get(this.#next)) {
      this.#held.delete(held.seq)
      steps.push(...this.#inOrder(held.notice, held.at))
      this.#next = (held.seq + 1) >>> 0
    }
    // What is still held waits for another missing one, from now on.
    this.#gapSince = this.#held.size === 0 ? undefined : at
    return steps
  }

  /** When `tick` wants to be called next. */
  get wakeAt(): MonoMs | undefined {
    if (!this.#live) return undefined
    const gap = this.#gapSince === undefined ? Infinity : this.#gapSince + GAP_WAIT_MS
    const stray = Math.min(Infinity, ...this.#strays.values()) + STRAY_WAIT_MS
    const first = Math.min(gap, stray)
    return first === Infinity ? undefined : first
  }

  tick(now: MonoMs): Step[] {
    if (!this.#live) return []
    if (this.#gapSince !== undefined && now >= this.#gapSince + GAP_WAIT_MS)
      return [{ kind: 'resync', because: 'gap' }]
    for (const since of this.#strays.values()) {
      if (now >= since + STRAY_WAIT_MS) return [{ kind: 'resync', because: 'unknown object' }]
    }
    return []
  }

  #inOrder(notice: DrbdNotice, at: MonoMs): Step[] {
    if (notice.object === 'done') return []
    if (notice.object === 'other')
      return notice.unknown.length === 0 ? [] : [{ kind: 'batch', at, notices: [notice] }]
    // Helpers are single messages: one between the parts of a change would not end that change.
    if (notice.object === 'helper') return [{ kind: 'batch', at, notices: [notice] }]
    if (this.#admit(notice, at)) this.#batch.push(notice)
    if (notice.continues || this.#batch.length === 0) return []
    const notices = this.#batch
    this.#batch = []
    return [{ kind: 'batch', at, notices }]
  }

  /** Keeps the list of objects; false: a change of something unknown. */
  #admit(notice: ObjectNotice, at: MonoMs): boolean {
    const key = keyOf(notice)
    // Paths are not part of every kernel's dump: they come as they are.
    if (key === undefined || notice.object === 'path') return true
    switch (notice.how) {
      case 'create':
        this.#known.add(key)
        this.#forget(key)
        return true
      case 'destroy':
        this.#known.delete(key)
        this.#forget(key)
        return true
      case 'rename':
        this.#rename(notice.resource, notice.object === 'resource' ? notice.newName : undefined)
        return true
      default:
        if (this.#known.has(key)) return true
        if (!this.#orphans.has(key) && !this.#strays.has(key)) this.#strays.set(key, at)
        return false
    }
  }

  #forget(key: string): void {
    this.#strays.delete(key)
    this.#orphans.delete(key)
  }

  #rename(name: string, newName: string | undefined): void {
    if (newName === undefined) return
    const own = `${name}/`
    for (const key of [...this.#known]) {
      if (!key.startsWith(own)) continue
      this.#known.delete(key)
      this.#known.add(`${newName}/${key.slice(own.length)}`)
    }
  }
}

/** Resource names have no slash, so the keys of a resource and of all below it start with `name/`. */
function keyOf(notice: DrbdNotice): string | undefined {
  switch (notice.object) {
    case 'resource':
      return `${notice.resource}/`
    case 'device':
      return `${notice.resource}/d${notice.volume}`
    case 'connection':
      return `${notice.resource}/c${notice.peerNodeId}`
    case 'peer-device':
      return `${notice.resource}/p${notice.peerNodeId}.${notice.volume}`
    case 'path':
      return `${notice.resource}/a${notice.peerNodeId} ${notice.local} ${notice.peer}`
    default:
      return undefined
  }
}
