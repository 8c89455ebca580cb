/** Reads DRBD's configuration when it may have changed, and every half minute, because options change without a word. */
import { sayError } from '#kit/errors.ts'
import type { Log } from '#kit/log.ts'
import type { ExchangeOptions } from '../host/nlsocket.ts'
import type { DrbdConfig } from '../state/drbd-config.ts'
import type { DrbdNotice } from '../wire/drbd-notice.ts'
import type { FamilyRef } from '../wire/drbd-request.ts'
import { readConfig } from './drbd-dump.ts'

const REFRESH_MS = 30_000
/** Objects come in bunches: one reading for all of them. */
const SETTLE_MS = 20
const RETRY_MS = 1_000

export interface ConfigReader {
  /** Now, or soon when something that was told may have changed it. */
  now(): void
  after(notices: readonly DrbdNotice[]): void
}

/** Ends with the signal of its exchanges. */
export function openConfigReader(
  family: FamilyRef,
  exchange: ExchangeOptions,
  log: Pick<Log, 'warn'>,
  found: (config: DrbdConfig) => void,
): ConfigReader {
  const { signal } = exchange
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false

  const plan = (inMs: number): void => {
    clearTimeout(timer)
    if (!signal.aborted) timer = setTimeout(() => void read(), inMs)
  }
  const read = async (): Promise<void> => {
    if (running) {
      again = true
      return
    }
    running = true
    again = false
    let nextMs = REFRESH_MS
    try {
      const config = await readConfig(family, exchange)
      if (signal.aborted) return
      // Changed while it was read: what was read first may be old already.
      if (config === undefined) nextMs = SETTLE_MS
      else found(config)
    } catch (error) {
      if (signal.aborted) return
      log.warn({ reason: sayError(error) }, 'the configuration of DRBD could not be read')
      nextMs = RETRY_MS
    } finally {
      running = false
    }
    plan(again ? SETTLE_MS : nextMs)
  }
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  return {
    now: () => plan(0),
    after(notices) {
      if (notices.some(changesConfig)) plan(SETTLE_MS)
    },
  }
}

/** What may come with another policy, other options or other addresses. */
function changesConfig(notice: DrbdNotice): boolean {
  if (notice.object === 'done' || notice.object === 'other' || notice.object === 'helper') return false
  if (notice.how === 'create' || notice.how === 'rename') return true
  if (notice.object === 'device')
    return notice.info?.disk === 'Negotiating' || notice.info?.disk === 'Diskless'
  return notice.object === 'connection' && notice.info?.state === 'Unconnected'
}
