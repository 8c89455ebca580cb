/** What to do with the watchdog in this turn: every opening and every feed is earned by a lease. */
import type { MonoMs } from '#kit/clock.ts'
import { LEAST_MEMBERS, type MeshState, majority } from '../state/mesh-model.ts'
import type { WatchdogState } from '../state/watchdog.ts'
import type { WatchdogWord } from '../wire/mesh-types.ts'
import type { Effect } from './effects.ts'
import { decideLease } from './lease.ts'
import type { Policy } from './policy.ts'

export interface WatchdogChoice {
  readonly effects: readonly Effect[]
  readonly verdict: 'leave alone' | 'promise' | 'open' | 'feed' | 'starve' | 'disarm' | 'stopped'
  readonly because: string
}

/** What our beats say. */
export function watchdogWord(watchdog: WatchdogState): WatchdogWord {
  if (watchdog.stopping) return 'off'
  if (watchdog.device === 'open') return 'armed'
  return watchdog.device === 'closed' ? 'starting' : 'off'
}

export function decideWatchdog(
  mesh: MeshState,
  watchdog: WatchdogState,
  policy: Policy,
  now: MonoMs,
): WatchdogChoice {
  const { device } = watchdog
  if (watchdog.stopping && device !== 'open') return stopped(watchdog)
  if (device === 'none') return choice('leave alone', 'no device is configured')
  if (device === 'failed') return choice('leave alone', watchdog.failure ?? 'the device failed')
  if (device === 'disarmed') return stopped(watchdog)
  if (watchdog.stopping && mayDisarm(mesh))
    return choice('disarm', 'a majority knows that it is off', { kind: 'disarm' })
  const members = mesh.members
  if (members === undefined || members.list.length < LEAST_MEMBERS)
    return choice('leave alone', 'fewer than three members')
  const { promise } = watchdog
  const own = promise?.bootId === mesh.life.bootId ? promise : undefined
  if (own !== undefined && own.membersHash !== members.hash)
    return choice('leave alone', 'this boot is bound to another list of members')
  if (own === undefined && device === 'closed') {
    const next = { bootId: mesh.life.bootId, membersHash: members.hash }
    return choice('promise', 'to be kept before the device is opened', {
      kind: 'save-promise',
      promise: next,
    })
  }
  return feedOrOpen(mesh, watchdog, policy, now)
}

function feedOrOpen(mesh: MeshState, watchdog: WatchdogState, policy: Policy, now: MonoMs): WatchdogChoice {
  const lease = decideLease(mesh, policy, now)
  if (lease.kind === 'none') return choice('starve', lease.because)
  const notAfter = lease.until
  if (watchdog.device === 'closed')
    return choice('open', 'a majority grants the lease', {
      kind: 'open-watchdog',
      timeoutMs: policy.lease.watchdogMs,
      notAfter,
    })
  const due = watchdog.fedAt === undefined || now >= watchdog.fedAt + policy.feedEveryMs
  return choice('feed', 'a majority grants the lease', ...(due ? [{ kind: 'feed', notAfter } as const] : []))
}

/** Any set of members that could prove our death has one of these in it. */
function mayDisarm(mesh: MeshState): boolean {
  const { members } = mesh
  if (members === undefined) return false
  const told = members.list.filter(
    ({ node }) => node !== mesh.self && mesh.peers.get(node)?.recordsOff === true,
  )
  return told.length >= majority(members) - 1
}

function stopped(watchdog: WatchdogState): WatchdogChoice {
  // A device that this process never opened may still run for an earlier one: then the promise stays.
  const clear = watchdog.device === 'disarmed' && watchdog.promise !== undefined
  return choice('stopped', 'a clean stop', ...(clear ? [{ kind: 'clear-promise' } as const] : []))
}

function choice(verdict: WatchdogChoice['verdict'], because: string, ...effects: Effect[]): WatchdogChoice {
  return { effects, verdict, because }
}
