/** The union of everything that an agent may do. Effects are data; two that mean the same have the same identity. */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import type { Condemnation, PeerLife } from '../state/mesh-model.ts'
import type { WatchdogPromise } from '../state/watchdog.ts'
import type { Ack, Beat, OutdateReply, OutdateRequest } from '../wire/mesh-types.ts'

/** The lane adds what must be drawn or counted when it leaves. */
export type BeatBody = Omit<Beat, 'nonce' | 'seq'>

export type FenceExit = 1 | 4 | 5 | 7

export type Effect =
  /** At once, without a word to anybody. */
  | { readonly kind: 'reboot'; readonly because: string }
  /** Durable before the event `life-saved`. */
  | { readonly kind: 'save-life'; readonly node: NodeName; readonly life: PeerLife }
  /** Durable before the event `condemned`. */
  | {
      readonly kind: 'condemn'
      readonly node: NodeName
      readonly bootId: BootId
      readonly by: Condemnation['by']
    }
  | { readonly kind: 'save-promise'; readonly promise: WatchdogPromise }
  | { readonly kind: 'clear-promise' }
  /** Neither of the two happens when the clock says later than `notAfter`; the event carries the clock after the call. */
  | { readonly kind: 'open-watchdog'; readonly timeoutMs: number; readonly notAfter: MonoMs }
  | { readonly kind: 'feed'; readonly notAfter: MonoMs }
  /** With the magic character. */
  | { readonly kind: 'disarm' }
  /** The event `beat-sent` comes before the datagram leaves. */
  | { readonly kind: 'send-beat'; readonly to: NodeName; readonly address: string; readonly beat: BeatBody }
  | { readonly kind: 'send-ack'; readonly via: string; readonly ack: Ack }
  | { readonly kind: 'send-outdate'; readonly address: string; readonly request: OutdateRequest }
  | { readonly kind: 'send-outdate-reply'; readonly via: string; readonly reply: OutdateReply }
  /** Outdates the own copy; the lane sends the reply itself when it is durable, or why it is not. */
  | {
      readonly kind: 'outdate-own'
      readonly via: string
      readonly resource: ResourceName
      readonly request: OutdateRequest
    }
  | {
      readonly kind: 'answer-fence'
      readonly id: string
      readonly exit: FenceExit
      readonly because: string
    }
  /** One at a time for each node; looks once more at the verdict before each write. */
  | {
      readonly kind: 'failover'
      readonly node: NodeName
      readonly bootId: BootId
      /** Of these resources a current copy is at hand, and nobody else can acknowledge a write. Sorted. */
      readonly proven: readonly ResourceName[]
    }
  /** Removes our own taint with this value. */
  | { readonly kind: 'untaint'; readonly value: string }

/** Of two effects with one identity only one needs to run at a time. */
export function identityOf(effect: Effect): string {
  switch (effect.kind) {
    case 'save-life':
      return `${effect.kind} ${effect.node}`
    case 'condemn':
      return `${effect.kind} ${effect.node} ${effect.bootId}`
    case 'send-beat':
      return `${effect.kind} ${effect.to}`
    case 'send-ack':
      return `${effect.kind} ${effect.ack.nonce}`
    case 'send-outdate':
      return `${effect.kind} ${effect.request.id}`
    case 'send-outdate-reply':
      return `${effect.kind} ${effect.reply.id}`
    case 'outdate-own':
      return `${effect.kind} ${effect.resource}`
    case 'answer-fence':
      return `${effect.kind} ${effect.id}`
    case 'failover':
      return `${effect.kind} ${effect.node} ${effect.bootId}`
    case 'untaint':
      return `${effect.kind} ${effect.value}`
    case 'reboot':
    case 'save-promise':
    case 'clear-promise':
    case 'open-watchdog':
    case 'feed':
    case 'disarm':
      return effect.kind
    default:
      return unreachable(effect)
  }
}

/** The first of those with one identity. */
export function withoutRepeats(effects: readonly Effect[]): readonly Effect[] {
  const seen = new Set<string>()
  return effects.filter(effect => {
    const identity = identityOf(effect)
    if (seen.has(identity)) return false
    seen.add(identity)
    return true
  })
}
