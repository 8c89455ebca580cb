/** The slice of this node's own watchdog: what was promised, what the device does. */
import type { BootId } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'

/** On disk before the device is opened: under which members' list this boot lets itself be reset. */
export interface WatchdogPromise {
  readonly bootId: BootId
  readonly membersHash: string
}

export interface WatchdogState {
  /** `none`: not configured. `disarmed`: closed for good by a clean stop. `failed`: it does not do what we need. */
  readonly device: 'none' | 'closed' | 'open' | 'disarmed' | 'failed'
  readonly failure: string | undefined
  /**
   * At the latest this long after a feed that the lease allowed the node resets, also when the agent is killed: closing the device
   * without its magic character is one more feed by the kernel. Twice the time-out, until the device is open and a second
   * process holds it too, so that the agent's death closes nothing: then the time-out alone.
   */
  readonly resetMs: number
  readonly promise: WatchdogPromise | undefined
  readonly fedAt: MonoMs | undefined
  /** A feed reached the device after the lease had ended: this boot may live longer than the others think. */
  readonly fedLate: boolean
  /** A clean stop was asked for. */
  readonly stopping: boolean
}

export type WatchdogEvent =
  /** Before the first turn, from disk; also after it was written. */
  | { readonly kind: 'promise-saved'; readonly promise: WatchdogPromise }
  | { readonly kind: 'promise-cleared' }
  /** Opening is a feed. `at` is read after the call. */
  | {
      readonly kind: 'watchdog-opened'
      readonly at: MonoMs
      readonly notAfter: MonoMs
      readonly resetMs: number
    }
  | { readonly kind: 'watchdog-fed'; readonly at: MonoMs; readonly notAfter: MonoMs }
  | { readonly kind: 'watchdog-failed'; readonly reason: string }
  /** Stopped with the magic character. */
  | { readonly kind: 'watchdog-disarmed' }
  | { readonly kind: 'stop-asked' }

/** How late a feed may reach the device: a part of the margin. */
export const FEED_SLACK_MS = 100

/** `resetMs` before anything is open: twice the time-out. Undefined: no device is configured. */
export function emptyWatchdog(resetMs: number | undefined): WatchdogState {
  return {
    device: resetMs === undefined ? 'none' : 'closed',
    failure: undefined,
    resetMs: resetMs ?? 0,
    promise: undefined,
    fedAt: undefined,
    fedLate: false,
    stopping: false,
  }
}

export function reduceWatchdog(state: WatchdogState, event: WatchdogEvent): WatchdogState {
  switch (event.kind) {
    case 'promise-saved':
      return { ...state, promise: event.promise }
    case 'promise-cleared':
      return { ...state, promise: undefined }
    case 'watchdog-opened':
      return fed(
        { ...state, device: 'open', failure: undefined, resetMs: event.resetMs },
        event.at,
        event.notAfter,
      )
    case 'watchdog-fed':
      return fed(state, event.at, event.notAfter)
    case 'watchdog-failed':
      return { ...state, device: 'failed', failure: event.reason }
    case 'watchdog-disarmed':
      return { ...state, device: 'disarmed' }
    case 'stop-asked':
      return { ...state, stopping: true }
    default:
      return unreachable(event)
  }
}

function fed(state: WatchdogState, at: MonoMs, notAfter: MonoMs): WatchdogState {
  return { ...state, fedAt: at, fedLate: state.fedLate || at > notAfter + FEED_SLACK_MS }
}
