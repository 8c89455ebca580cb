/** Where DRBD's fence-peer handlers wait for their exit code. */
import { randomBytes } from 'node:crypto'
import { type ResourceName, resourceName } from '#kit/brand.ts'
import type { Clock } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import type { FenceEvent } from '../state/fence.ts'

export interface FenceAnswer {
  /** 0: no verdict yet, ask again. */
  readonly exit: number
  readonly because: string
}

export interface FenceDesk {
  /** Waits for a verdict, at most `waitMs`; ends early when the handler has gone. */
  ask(resource: unknown, signal: AbortSignal): Promise<FenceAnswer>
  answer(id: string, answer: FenceAnswer): void
}

export function openFenceDesk(clock: Clock, waitMs: number, post: (event: FenceEvent) => void): FenceDesk {
  const waiting = new Map<string, (answer: FenceAnswer) => void>()
  return {
    async ask(resource, signal) {
      const name = nameOf(resource)
      const id = randomBytes(8).toString('hex')
      const { promise, resolve } = Promise.withResolvers<FenceAnswer>()
      const patience = setTimeout(() => resolve({ exit: 0, because: 'no verdict yet' }), waitMs)
      const gone = (): void => resolve({ exit: 0, because: 'the handler has gone' })
      signal.addEventListener('abort', gone)
      waiting.set(id, resolve)
      post({ kind: 'fence-asked', id, resource: name, at: clock.mono() })
      try {
        return await promise
      } finally {
        clearTimeout(patience)
        signal.removeEventListener('abort', gone)
        waiting.delete(id)
        post({ kind: 'fence-ended', id })
      }
    },
    answer(id, answer) {
      waiting.get(id)?.(answer)
    },
  }
}

function nameOf(text: unknown): ResourceName {
  try {
    return resourceName(String(text))
  } catch (cause) {
    throw new AppError('ARGUMENT_INVALID', 'resource: not a DRBD resource name', {}, cause)
  }
}
