/** Keeps a copy of one collection: list, then watch, then list again after any break, for ever. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../api/json.ts'
import type { ControlClient } from './client.ts'

const PAUSE_MS = 200
const WATCH_S = 60
/** A watch that says nothing for longer than the server promised has lost its connection. */
const SLACK_MS = 10_000

export class Informer {
  readonly path: string
  readonly #objects = new Map<string, KubeObject>()
  readonly #client: ControlClient
  readonly #changed: () => void
  #isSynced = false

  /** `changed` is called after each change, and after the first list even when it is empty. */
  constructor(client: ControlClient, path: string, changed: () => void) {
    this.#client = client
    this.path = path
    this.#changed = changed
  }

  /** The first list has arrived. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  list(): KubeObject[] {
    return [...this.#objects.values()]
  }

  get(name: string, namespace?: string): KubeObject | undefined {
    return this.#objects.get(namespace === undefined ? name : `${namespace}/${name}`)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The API server may be down on purpose.
      await this.#follow(signal).catch(() => {})
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const list = await this.#client.call({ method: 'GET', path: this.path })
    if (list.status !== 200) return
    this.#objects.clear()
    for (const item of list.body.items ?? []) this.#objects.set(keyOf(item), item)
    this.#isSynced = true
    this.#changed()
    const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${list.body.metadata.resourceVersion}&timeoutSeconds=${WATCH_S}`
    const path = `${this.path}${this.path.includes('?') ? '&' : '?'}${query}`
    const deadline = AbortSignal.timeout(WATCH_S * 1_000 + SLACK_MS)
    for await (const { type, object } of this.#client.stream(path, AbortSignal.any([signal, deadline]))) {
      if (type === 'ERROR') return
      if (type === 'BOOKMARK') continue
      if (type === 'DELETED') this.#objects.delete(keyOf(object))
      else this.#objects.set(keyOf(object), object)
      this.#changed()
    }
  }
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
}
