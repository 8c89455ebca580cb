/** Prints, as JSON lines, what the DRBD source finds on this node; `--once` ends at the first whole state with its configuration. */
import { parseArgs } from 'node:util'
import { systemClock } from '#kit/clock.ts'
import { openLog } from '#kit/log.ts'
import { openDrbdEvents } from '../../../agent/source/drbd-events.ts'
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())

let state: DrbdState = NO_DRBD
const plain = (_key: string, value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries(value)
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
function post(event: DrbdEvent): void {
  state = reduceDrbd(state, event)
  console.log(
    JSON.stringify(
      { event: event.kind, at: event.at, because: 'because' in event ? event.because : undefined, state },
      plain,
    ),
  )
  if (values.once && (event.kind === 'drbd-config' || event.kind === 'drbd-absent')) stop.abort()
}

const log = openLog({ level: 'debug', name: 'probe' })
await using source = openDrbdEvents({ clock: systemClock, log }, post, stop.signal)
await source.ended
