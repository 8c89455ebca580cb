/** All objects, one counter of versions, and the history that watches and paged lists read from. */
import type { KubeObject } from './json.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly version: number
  readonly table: string
  readonly key: string
  readonly type: ChangeType
  /** After the change; of a deletion the last state, with the version of the deletion. */
  readonly object: KubeObject
  /** Before the change; undefined for a new object. */
  readonly previous: KubeObject | undefined
}

const HISTORY_LIMIT = 50_000

export class Store {
  readonly #tables = new Map<string, Map<string, KubeObject>>()
  readonly #listeners = new Set<(change: Change) => void>()
  #history: Change[] = []
  #version = 100
  /** Changes up to this version are forgotten. */
  #compacted = 0

  get version(): number {
    return this.#version
  }

  get compactedAt(): number {
    return this.#compacted
  }

  get(table: string, key: string): KubeObject | undefined {
    return this.#tables.get(table)?.get(key)
  }

  put(table: string, key: string, object: KubeObject): KubeObject {
    const objects = this.#table(table)
    const previous = objects.get(key)
    const stored = this.#withNewVersion(object)
    objects.set(key, stored)
    this.#record({
      type: previous === undefined ? 'ADDED' : 'MODIFIED',
      table,
      key,
      object: stored,
      previous,
    })
    return stored
  }

  remove(table: string, key: string, last?: KubeObject): KubeObject | undefined {
    const previous = this.get(table, key)
    if (previous === undefined) return undefined
    this.#table(table).delete(key)
    const object = this.#withNewVersion(last ?? previous)
    this.#record({ type: 'DELETED', table, key, object, previous })
    return object
  }

  /** Objects in the order of their keys, now or as they were at `version`. */
  list(table: string, version = this.#version): (readonly [string, KubeObject])[] {
    const objects = new Map(this.#tables.get(table))
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const change = this.#history[i]
      if (change === undefined || change.version <= version) break
      if (change.table !== table) continue
      if (change.previous === undefined) objects.delete(change.key)
      else objects.set(change.key, change.previous)
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  }

  /** What happened in a table after `version`. */
  since(table: string, version: number): Change[] {
    return this.#history.filter(change => change.version > version && change.table === table)
  }

  tables(): string[] {
    return [...this.#tables.keys()]
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Forgets the history: watches and paged lists that start before now are 410 Gone. */
  compact(): void {
    this.#compacted = this.#version
    this.#history = []
  }

  #table(table: string): Map<string, KubeObject> {
    const found = this.#tables.get(table) ?? new Map<string, KubeObject>()
    this.#tables.set(table, found)
    return found
  }

  #withNewVersion(object: KubeObject): KubeObject {
    this.#version += 1
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
  }

  #record(change: Omit<Change, 'version'>): void {
    const full: Change = { version: this.#version, ...change }
    this.#history.push(full)
    if (this.#history.length > HISTORY_LIMIT) {
      const dropped = this.#history.splice(0, HISTORY_LIMIT / 2)
      this.#compacted = dropped.at(-1)?.version ?? this.#compacted
    }
    for (const listener of [...this.#listeners]) listener(full)
  }
}

/** The key of an object in its table. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}
