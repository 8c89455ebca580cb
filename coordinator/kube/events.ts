/** Kubernetes events, de-duplicated: a repetition raises a count, and not even that more than once a minute. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '#kit/clock.ts'
import { FIELD_MANAGER_COORDINATOR } from '#protocol/names.ts'
import type { Api } from './request.ts'

const SAME_FOR_MS = 10 * 60_000
const TELL_EVERY_MS = 60_000
const MAX_KNOWN = 256

export interface EventWanted {
  readonly type: 'Normal' | 'Warning'
  /** One word of a small set: what happened. */
  readonly reason: string
  /** What was done or tried when it happened. */
  readonly action: string
  readonly note: string
  readonly regarding: {
    readonly apiVersion: string
    readonly kind: string
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
  }
}

export interface EventRecorder {
  /** Never throws: an event that cannot be written is reported and forgotten. */
  record(event: EventWanted, signal: AbortSignal): Promise<void>
}

interface Known {
  readonly path: string
  count: number
  toldAt: number
  lastAt: number
}

export function createEventRecorder(
  api: Api,
  clock: Clock,
  instance: string,
  failed: (error: unknown) => void,
): EventRecorder {
  /** In the order of their last use. */
  const known = new Map<string, Known>()

  async function first(key: string, event: EventWanted, now: number, signal: AbortSignal): Promise<void> {
    // Events about cluster-scoped objects live in the namespace default, where kubectl looks for them.
    const namespace = event.regarding.namespace ?? 'default'
    const name = `hawser.${randomUUID()}`
    const collection = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: microTime(clock),
      reportingController: `hawser.io/${FIELD_MANAGER_COORDINATOR}`,
      reportingInstance: instance.slice(0, 128),
      ...event,
      note: event.note.slice(0, 1024),
    }
    await api.call({ method: 'POST', path: collection, body, signal })
    known.set(key, { path: `${collection}/${name}`, count: 1, toldAt: now, lastAt: now })
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break
      known.delete(oldest)
    }
  }

  async function again(held: Known, now: number, signal: AbortSignal): Promise<void> {
    held.count += 1
    held.lastAt = now
    if (now - held.toldAt < TELL_EVERY_MS) return
    const body = { series: { count: Math.max(2, held.count), lastObservedTime: microTime(clock) } }
    const contentType = 'application/merge-patch+json'
    await api.find({ method: 'PATCH', path: held.path, body, contentType, signal })
    held.toldAt = now
  }

  return {
    async record(event, signal) {
      const { regarding } = event
      const key = JSON.stringify([
        regarding.kind,
        regarding.namespace,
        regarding.name,
        event.reason,
        event.note,
      ])
      const now = clock.mono()
      const held = known.get(key)
      const isKnown = held !== undefined && now - held.lastAt < SAME_FOR_MS
      known.delete(key)
      if (isKnown) known.set(key, held)
      try {
        await (isKnown ? again(held, now, signal) : first(key, event, now, signal))
      } catch (error) {
        if (!signal.aborted) failed(error)
      }
    },
  }
}

function microTime(clock: Clock): string {
  return clock.wall().toISOString().replace('Z', '000Z')
}
