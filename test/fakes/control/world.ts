/** What all stand-in controllers see: a shared copy of the collections, and clients that say who calls. */
import type { KubeObject } from '../api/json.ts'
import { type ControlClient, openControlClient } from './client.ts'
import { Informer } from './informer.ts'
import { type Collection, PATHS } from './paths.ts'

export interface World {
  list(collection: Collection): KubeObject[]
  get(collection: Collection, name: string, namespace?: string): KubeObject | undefined
  readonly client: ControlClient
  /** Ends whatever a controller has begun. */
  readonly signal: AbortSignal
}

export interface Controller {
  readonly name: string
  /** Whose bearer token it uses. */
  readonly user: string
  /** Called after every change of anything, and after the milliseconds that it returned; never twice at a time. */
  sync(world: World): Promise<number | undefined>
}

const RETRY_MS = 500

export interface RunningControllers extends AsyncDisposable {
  /** Whether every collection has been listed once. */
  isSynced(): boolean
}

/** Every controller works until the signal, or the disposal, ends it. */
export function runControllers(
  controllers: readonly Controller[],
  url: string,
  token: (user: string) => string,
  signal: AbortSignal,
): RunningControllers {
  const stop = new AbortController()
  const all = AbortSignal.any([signal, stop.signal])
  const wakes = new Set<() => void>()
  const shared = openControlClient(url, token('system:kube-controller-manager'))
  const wakeAll = (): void => {
    for (const wake of wakes) wake()
  }
  const names = Object.keys(PATHS) as Collection[]
  const informers = new Map(names.map(name => [name, new Informer(shared, PATHS[name], wakeAll)]))
  const isSynced = (): boolean => [...informers.values()].every(informer => informer.isSynced)
  const view = {
    list: (name: Collection) => informers.get(name)?.list() ?? [],
    get: (name: Collection, object: string, namespace?: string) =>
      informers.get(name)?.get(object, namespace),
  }
  const work = controllers.map(async controller => {
    const world: World = { ...view, client: openControlClient(url, token(controller.user)), signal: all }
    await loop(controller, world, isSynced, wakes)
  })
  const watching = [...informers.values()].map(informer => informer.run(all))
  return {
    isSynced,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all([...work, ...watching])
    },
  }
}

async function loop(
  controller: Controller,
  world: World,
  isSynced: () => boolean,
  wakes: Set<() => void>,
): Promise<void> {
  const { signal } = world
  let isDue = true
  let wake = (): void => {}
  const due = (): void => {
    isDue = true
    wake()
  }
  wakes.add(due)
  signal.addEventListener('abort', due, { once: true })
  while (!signal.aborted) {
    let againMs: number | undefined
    if (isDue && isSynced()) {
      isDue = false
      // A refused or unanswered call is tried again from what is there then.
      againMs = await controller.sync(world).catch(() => RETRY_MS)
    }
    if (isDue && isSynced()) continue
    await new Promise<void>(resolve => {
      const timer = againMs === undefined ? undefined : setTimeout(due, againMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
  wakes.delete(due)
}
