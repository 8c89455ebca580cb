/** Keeps a store equal to a kind of the API server: list, watch, and again, for ever. */
import { z } from 'zod'
import { backoffMs } from '#kit/backoff.ts'
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { openDeadline } from './deadline.ts'
import { keyOf, readAs, readMeta, readVersion } from './object.ts'
import { type Api, isAbsent, isGone } from './request.ts'
import type { Kept, Store } from './store.ts'
import { readLines } from './watch-lines.ts'

export interface Source<Value> {
  /** For logs and readiness. */
  readonly name: string
  /** Of the collection, such as /api/v1/nodes. */
  readonly path: string
  readonly fieldSelector?: string
  /** Our own words for an object; must not throw for what another version may write. */
  readonly read: (raw: unknown, from: 'list' | 'watch') => Value
}

export interface ReflectorPorts<Value> {
  readonly api: Api
  readonly store: Store<Value>
  readonly clock: Clock
  /** Uniform in [0, 1): spreads the ends of watches. */
  readonly random: () => number
  readonly report: ReflectorReport
}

export interface ReflectorReport {
  /** The store holds a whole list. */
  synced(name: string): void
  /** A watch has been answered. */
  watching(name: string): void
  /** A list or watch ended with an error; it is tried again after `waitMs`. */
  failed(name: string, attempt: number, waitMs: number, error: unknown): void
}

export interface ReflectorLimits {
  readonly pageSize: number
  /** The server ends a watch after this long, and up to half as long again. */
  readonly watchMs: number
  /** We end it this much later by ourselves: its connection is dead. */
  readonly graceMs: number
  /** A kind that is not served yet is asked for this often. */
  readonly absentMs: number
  /** A watch that lived shorter counts as a failed attempt, however it ended: the next one has to wait. */
  readonly soundMs: number
}

export const REFLECTOR_LIMITS: ReflectorLimits = {
  soundMs: 5_000,
  pageSize: 500,
  watchMs: 180_000,
  graceMs: 15_000,
  absentMs: 1_000,
}

const ListSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
})
const EventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
})
const StatusSchema = z.object({ code: z.int().optional(), message: z.string().optional() })

/** Runs until the signal: no error of the server ends it. */
export async function runReflector<Value>(
  source: Source<Value>,
  ports: ReflectorPorts<Value>,
  signal: AbortSignal,
  limits: ReflectorLimits = REFLECTOR_LIMITS,
): Promise<void> {
  /** Undefined: a list is due. */
  let version: string | undefined
  let attempt = 0
  while (!signal.aborted) {
    let openedAt: number | undefined
    try {
      if (version === undefined) {
        const list = await readList(source, ports.api, limits.pageSize, signal)
        ports.store.replace(list.items)
        version = list.version
        ports.report.synced(source.name)
      }
      openedAt = ports.clock.mono()
      for await (const next of watch(source, ports, version, limits, signal)) version = next
      if (ports.clock.mono() - openedAt >= limits.soundMs) attempt = 0
      else await ports.clock.sleep(backoffMs(++attempt), signal)
    } catch (error) {
      if (signal.aborted) return
      if (openedAt !== undefined && ports.clock.mono() - openedAt >= limits.soundMs) attempt = 0
      attempt += 1
      const { again, waitMs } = afterError(error, attempt, limits)
      if (again === 'list') version = undefined
      ports.report.failed(source.name, attempt, waitMs, error)
      await ports.clock.sleep(waitMs, signal).catch(() => undefined)
    }
  }
}

/** A server that is away keeps the version; one that does not have it, or that said something unreadable, makes us list. */
function afterError(
  error: unknown,
  attempt: number,
  limits: ReflectorLimits,
): { again: 'list' | 'watch'; waitMs: number } {
  if (isGone(error)) return { again: 'list', waitMs: attempt === 1 ? 0 : backoffMs(attempt - 1) }
  if (isAbsent(error)) return { again: 'list', waitMs: limits.absentMs }
  const away = error instanceof AppError && error.code === 'API_UNREACHABLE'
  return { again: away ? 'watch' : 'list', waitMs: backoffMs(attempt) }
}

async function readList<Value>(
  source: Source<Value>,
  api: Api,
  pageSize: number,
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly items: Kept<Value>[] }> {
  const items: Kept<Value>[] = []
  let next: string | undefined
  for (;;) {
    const query = {
      limit: String(pageSize),
      ...(next === undefined ? {} : { continue: next }),
      ...selector(source),
    }
    const raw = await api.call({ method: 'GET', path: source.path, query, signal })
    const page = readAs(ListSchema, raw, 'a list of the API server could not be read')
    for (const item of page.items ?? []) items.push(keep(source, item, 'list'))
    // All pages of one list have the version of its first one.
    if (page.metadata.continue === undefined || page.metadata.continue === '')
      return { version: page.metadata.resourceVersion, items }
    next = page.metadata.continue
  }
}

/** One watch: puts its events into the store and yields the version reached after each; ends when the server ends it. */
async function* watch<Value>(
  source: Source<Value>,
  ports: ReflectorPorts<Value>,
  version: string,
  limits: ReflectorLimits,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const forMs = Math.round(limits.watchMs * (1 + ports.random() / 2))
  using dead = openDeadline(signal, forMs + limits.graceMs)
  const body = await ports.api.stream({
    method: 'GET',
    path: source.path,
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(Math.max(1, Math.round(forMs / 1000))),
      ...selector(source),
    },
    signal: dead.signal,
  })
  ports.report.watching(source.name)
  try {
    for await (const line of readLines(body)) yield take(source, ports.store, line)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('API_UNREACHABLE', 'a watch broke off', { path: source.path }, cause)
  }
}

/** One line of a watch into the store; the version that it stands for. */
function take<Value>(source: Source<Value>, store: Store<Value>, line: string): string {
  const event = readAs(EventSchema, parseLine(source.name, line), 'an event of a watch could not be read')
  switch (event.type) {
    case 'BOOKMARK':
      return readVersion(event.object)
    case 'ERROR': {
      const status = readAs(StatusSchema, event.object, 'an error of a watch could not be read')
      const fields = { path: source.path, status: status.code, answer: status.message?.slice(0, 400) }
      throw new AppError(
        status.code === 410 ? 'API_GONE' : 'API_UNREACHABLE',
        'the API server ended a watch with an error',
        fields,
      )
    }
    case 'DELETED': {
      const meta = readMeta(event.object)
      store.remove(keyOf(meta))
      return meta.resourceVersion
    }
    case 'ADDED':
    case 'MODIFIED': {
      const kept = keep(source, event.object, 'watch')
      store.put(kept)
      return kept.version
    }
  }
}

function parseLine(name: string, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new AppError(
      'WIRE_MALFORMED',
      'a line of a watch is not JSON',
      { name, line: line.slice(0, 200) },
      cause,
    )
  }
}

function keep<Value>(source: Source<Value>, raw: unknown, from: 'list' | 'watch'): Kept<Value> {
  const meta = readMeta(raw)
  return { key: keyOf(meta), uid: meta.uid, version: meta.resourceVersion, value: source.read(raw, from) }
}

function selector(source: { readonly fieldSelector?: string }): Record<string, string> {
  return source.fieldSelector === undefined ? {} : { fieldSelector: source.fieldSelector }
}
