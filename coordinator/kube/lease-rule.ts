/**
 * Who leads: a pure rule over a Lease, our name, and our own monotonic clock.
 *
 * Nobody's wall clock is believed. A standby measures how long the Lease has not changed, from its own first look at that
 * version; the holder counts from the moment it *sent* its last renewal. The holder gives up `holdMs` after that, a standby
 * takes over `durationMs` after that look, which is later than the send: so there are never two holders as long as the
 * clocks' rates differ by less than durationMs / holdMs.
 */

export interface LeasePolicy {
  /** A standby takes the Lease when it has not changed for this long. */
  readonly durationMs: number
  /** A holder that could not renew for this long stops leading. */
  readonly holdMs: number
  /** How often a holder renews and a standby looks. */
  readonly everyMs: number
}

/** 15 s against 10 s: clocks may run apart by a third, and a pause of the API server of 9 s costs nothing. */
export const LEASE_POLICY: LeasePolicy = { durationMs: 15_000, holdMs: 10_000, everyMs: 3_000 }

/** A Lease as the API server has it. */
export interface LeaseSeen {
  readonly version: string
  /** Empty: given back. */
  readonly holder: string
  readonly durationMs: number
  readonly transitions: number
  /** Wall clock of its holder, for people: carried along, never read. */
  readonly acquireTime: string | undefined
}

export interface LeaseView {
  readonly me: string
  /** Undefined: there is none. */
  readonly seen: LeaseSeen | undefined
  /** When this version was first seen, by our clock. */
  readonly seenAt: number
  /** When the last renewal that the API server accepted was sent, by our clock; undefined: none, or given up. */
  readonly renewedAt: number | undefined
}

export type LeaseVerdict =
  | { readonly kind: 'create' }
  | { readonly kind: 'take'; readonly transitions: number }
  | { readonly kind: 'renew'; readonly transitions: number }
  | { readonly kind: 'wait'; readonly untilMs: number }

/** Whether we may act as leader at `now`. The end is exclusive: at holdMs it is over. */
export function holdsLease(view: LeaseView, policy: LeasePolicy, now: number): boolean {
  return view.renewedAt !== undefined && now >= view.renewedAt && now - view.renewedAt < policy.holdMs
}

/** What to do now, given a fresh look at the Lease. */
export function decideLease(view: LeaseView, policy: LeasePolicy, now: number): LeaseVerdict {
  const { seen, me } = view
  if (seen === undefined) return { kind: 'create' }
  if (seen.holder === me) return { kind: 'renew', transitions: seen.transitions }
  if (seen.holder === '') return { kind: 'take', transitions: seen.transitions + 1 }
  // Another release may hold longer than ours: the longer time of the two is waited for.
  const freeAt = view.seenAt + Math.max(policy.durationMs, seen.durationMs)
  if (now >= freeAt) return { kind: 'take', transitions: seen.transitions + 1 }
  return { kind: 'wait', untilMs: Math.min(freeAt, now + policy.everyMs) }
}
