/**
 * The DRBD source on a live node, for tests: prints a JSON line for each event with the state after it.
 *   --once               ends at the first whole state with its configuration
 *   --receive-bytes N    a small receive buffer, so that events get lost; SIGUSR2 then blocks the process for two seconds
 *   --command JSON       carries out one command instead, and prints its outcome
 */
import { parseArgs } from 'node:util'
import { systemClock } from '#kit/clock.ts'
import { AppError, sayError } from '#kit/errors.ts'
import { openLog } from '#kit/log.ts'
import { SteadyMap } from '#kit/steady-map.ts'
import { openDrbdCommands } from '../../../agent/effect/drbd-commands.ts'
import { openDrbdEvents } from '../../../agent/source/drbd-events.ts'
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'
import type { DrbdCommand } from '../../../agent/wire/drbd-request.ts'

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    'receive-bytes': { type: 'string' },
    command: { type: 'string' },
  },
})
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())

const plain = (_key: string, value: unknown): unknown => {
  if (value instanceof Map || value instanceof SteadyMap) return Object.fromEntries(value)
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

if (values.command === undefined) await watch()
else await carryOut(JSON.parse(values.command) as DrbdCommand)

async function carryOut(command: DrbdCommand): Promise<void> {
  try {
    console.log(
      JSON.stringify(
        await openDrbdCommands(systemClock).run(command, { deadlineMs: 10_000, signal: stop.signal }),
      ),
    )
  } catch (error) {
    console.log(
      JSON.stringify({
        kind: 'error',
        code: error instanceof AppError ? error.code : 'none',
        text: sayError(error),
      }),
    )
  }
}

async function watch(): Promise<void> {
  let state: DrbdState = NO_DRBD
  const post = (event: DrbdEvent): void => {
    state = reduceDrbd(state, event)
    const because = 'because' in event ? event.because : undefined
    console.log(JSON.stringify({ event: event.kind, at: event.at, because, state }, plain))
    if (values.once && (event.kind === 'drbd-config' || event.kind === 'drbd-absent')) stop.abort()
  }
  process.on('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000))
  const receiveBytes =
    values['receive-bytes'] === undefined ? {} : { receiveBytes: Number(values['receive-bytes']) }
  const log = openLog({ level: 'debug', name: 'probe' })
  await using source = openDrbdEvents({ clock: systemClock, log, ...receiveBytes }, post, stop.signal)
  await source.ended
}
