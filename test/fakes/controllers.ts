/** The stand-ins of everything that works beside the API server: scheduler, controllers, attacher. */
import { attachDetach } from './control/attach-detach.ts'
import { attacher } from './control/attacher.ts'
import { binder } from './control/binder.ts'
import { nodeLifecycle } from './control/node-lifecycle.ts'
import { scheduler } from './control/scheduler.ts'
import { statefulSets } from './control/statefulset.ts'
import { type RunningControllers, runControllers } from './control/world.ts'

export interface ControllersOptions {
  /** Of the API server, without TLS. */
  readonly url: string
  /** The bearer token of a user; the user's name itself unless told. */
  readonly token?: (user: string) => string
  /** How long a node may be silent; Kubernetes waits 50 s. */
  readonly nodeGraceMs?: number
  readonly attachResyncMs?: number
  readonly forceDetachMs?: number
  /** Whether the attacher ever answers for this node. */
  readonly detaches?: (node: string) => boolean
}

/** They are clients like any other: a fault of the API server hits them as well. */
export function openControllers(options: ControllersOptions, signal: AbortSignal): RunningControllers {
  const {
    url,
    token = user => user,
    nodeGraceMs = 50_000,
    attachResyncMs = 60_000,
    forceDetachMs = 360_000,
  } = options
  const controllers = [
    binder,
    statefulSets,
    scheduler,
    nodeLifecycle({ graceMs: nodeGraceMs }),
    attachDetach({ resyncMs: attachResyncMs, forceMs: forceDetachMs }),
    attacher(options.detaches === undefined ? {} : { detaches: options.detaches }),
  ]
  return runControllers(controllers, url, token, signal)
}
