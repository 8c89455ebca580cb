/** Carries out effects: what is quick at once and in order, the rest beside the loop, one of each identity at a time. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '#kit/clock.ts'
import { AppError, sayError, unreachable } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import { type Effect, identityOf } from '../decide/effects.ts'
import type { NodeEvent } from '../state/events.ts'
import { encodeMessage, type Hmac } from '../wire/mesh-message.ts'
import type { MeshMessage, OutdateRequest } from '../wire/mesh-types.ts'
import type { FenceDesk } from './fence-desk.ts'
import type { Memory } from './memory.ts'

export interface LanePorts {
  readonly clock: Clock
  readonly log: Log
  readonly post: (event: NodeEvent) => void
  readonly memory: Memory
  readonly desk: FenceDesk
  readonly hmac: Hmac
  readonly send: (bytes: Uint8Array, address: string) => void
  readonly watchdog: WatchdogLane | undefined
  /** Does not return where it works. */
  readonly reboot: () => void
  /** Outdates the copy of this resource; resolves when it is durable, rejects with the reason when it is not. */
  readonly outdate: (resource: string) => Promise<void>
  /** Undefined: there is no API server. */
  readonly failover:
    | ((order: Effect & { kind: 'failover' }, signal: AbortSignal) => Promise<void>)
    | undefined
  readonly untaint: ((value: string, signal: AbortSignal) => Promise<void>) | undefined
}

/** The device as the lanes need it; see host/watchdog.ts. */
export interface WatchdogLane {
  open(
    timeoutMs: number,
    notAfter: number,
  ): Promise<{ readonly at: number; readonly resetMs: number; readonly withoutHolder: unknown }>
  feed(notAfter: number): number | undefined
  disarm(): Promise<void>
}

export interface Lanes {
  start(effects: readonly Effect[]): void
  /** Waits for what runs beside the loop; it should be aborted by then. */
  settled(): Promise<void>
}

export function openLanes(
  ports: LanePorts,
  self: { readonly node: string; readonly bootId: string },
  signal: AbortSignal,
): Lanes {
  const running = new Map<string, Promise<void>>()
  let seq = 0

  const beside = (effect: Effect, work: () => Promise<void>): void => {
    const identity = identityOf(effect)
    if (running.has(identity)) return
    const done = work()
      .catch(error => {
        if (!signal.aborted) ports.log.warn({ effect: effect.kind, err: error }, 'an effect failed')
      })
      .finally(() => running.delete(identity))
    running.set(identity, done)
  }

  const say = (message: MeshMessage, address: string): void =>
    ports.send(encodeMessage(message, ports.hmac), address)

  const run = (effect: Effect): void => {
    switch (effect.kind) {
      case 'reboot':
        reboot(ports, effect.because)
        break
      case 'save-life':
        ports.memory.saveLife(effect.node, effect.life)
        ports.post({ kind: 'life-saved', node: effect.node, life: effect.life })
        break
      case 'condemn':
        ports.memory.condemn(effect.node, effect.bootId, effect.by)
        ports.post({
          kind: 'condemned',
          node: effect.node,
          bootId: effect.bootId,
          by: effect.by,
          at: ports.clock.mono(),
        })
        break
      case 'save-promise':
        ports.memory.savePromise(effect.promise)
        ports.post({ kind: 'promise-saved', promise: effect.promise })
        break
      case 'clear-promise':
        ports.memory.savePromise(undefined)
        ports.post({ kind: 'promise-cleared' })
        break
      case 'open-watchdog':
        beside(effect, () => openWatchdog(ports, effect))
        break
      case 'feed':
        feed(ports, effect.notAfter)
        break
      case 'disarm':
        beside(effect, async () => {
          await ports.watchdog?.disarm()
          ports.post({ kind: 'watchdog-disarmed' })
        })
        break
      case 'send-beat': {
        const nonce = randomBytes(8).toString('hex')
        seq += 1
        const at = ports.clock.mono()
        ports.post({ kind: 'beat-sent', to: effect.to, nonce, watchdog: effect.beat.watchdog, at })
        say({ ...effect.beat, nonce, seq }, effect.address)
        break
      }
      case 'send-ack':
        say(effect.ack, effect.via)
        break
      case 'send-outdate':
        say(effect.request, effect.address)
        ports.post({ kind: 'outdate-sent', id: effect.request.id, at: ports.clock.mono() })
        break
      case 'send-outdate-reply':
        say(effect.reply, effect.via)
        break
      case 'outdate-own':
        beside(effect, async () => say(await outdateOwn(ports, self, effect.request), effect.via))
        break
      case 'answer-fence':
        ports.desk.answer(effect.id, { exit: effect.exit, because: effect.because })
        break
      case 'failover':
        beside(effect, async () => ports.failover?.(effect, signal))
        break
      case 'untaint':
        beside(effect, async () => ports.untaint?.(effect.value, signal))
        break
      default:
        unreachable(effect)
    }
  }

  return {
    start(effects) {
      for (const effect of effects) {
        try {
          run(effect)
        } catch (error) {
          // What could not be done has no event, so nothing follows from it; the next turn asks for it again.
          ports.log.error({ effect: effect.kind, err: error }, 'an effect failed')
        }
      }
    },
    async settled() {
      await Promise.allSettled(running.values())
    },
  }
}

/** First the act, then the word. Where it does not work the watchdog is not fed any more: the plan asks for nothing else now. */
function reboot(ports: LanePorts, because: string): void {
  try {
    ports.reboot()
  } catch (error) {
    ports.log.error(
      { because, err: error },
      'this node must be reset, and cannot do it by itself: the watchdog will',
    )
    return
  }
  ports.log.error({ because }, 'this node resets itself')
}

async function openWatchdog(ports: LanePorts, effect: Effect & { kind: 'open-watchdog' }): Promise<void> {
  if (ports.watchdog === undefined) return
  try {
    const { at, resetMs, withoutHolder } = await ports.watchdog.open(effect.timeoutMs, effect.notAfter)
    ports.post({ kind: 'watchdog-opened', at, notAfter: effect.notAfter, resetMs })
    if (withoutHolder !== undefined)
      ports.log.warn(
        { err: withoutHolder, resetMs },
        'nothing holds the watchdog beyond the death of this agent: a proof of it takes longer',
      )
  } catch (error) {
    // Nothing was touched: the next lease asks again.
    if (error instanceof AppError && error.code === 'DEADLINE_PASSED') return
    ports.log.error({ err: error }, 'the watchdog cannot be used: this node cannot be proven dead')
    ports.post({ kind: 'watchdog-failed', reason: sayError(error).slice(0, 300) })
  }
}

function feed(ports: LanePorts, notAfter: number): void {
  try {
    const at = ports.watchdog?.feed(notAfter)
    if (at !== undefined) ports.post({ kind: 'watchdog-fed', at, notAfter })
  } catch (error) {
    ports.log.error({ err: error }, 'the watchdog refused a feed')
    ports.post({ kind: 'watchdog-failed', reason: sayError(error).slice(0, 300) })
  }
}

async function outdateOwn(
  ports: LanePorts,
  self: { readonly node: string; readonly bootId: string },
  request: OutdateRequest,
): Promise<MeshMessage> {
  const { id, resource } = request
  const reply = { kind: 'outdated', from: self.node, bootId: self.bootId, id, resource } as const
  try {
    await ports.outdate(resource)
    return { ...reply, result: 'outdated', detail: '' } as MeshMessage
  } catch (error) {
    return { ...reply, result: 'failed', detail: sayError(error).slice(0, 200) } as MeshMessage
  }
}
