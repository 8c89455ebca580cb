/**
 * How late a state change of the live kernel reaches our callback, beside a reader of `drbdsetup events2` lines in the same process.
 * Run in a guest of the lab: drbd-latency.ts RESOURCE VOLUME MINOR [ROUNDS]. The resource must not be connected and not be open.
 */
import { spawn } from 'node:child_process'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { systemClock } from '#kit/clock.ts'
import { openLog } from '#kit/log.ts'
import { openDrbdCommands } from '../../../agent/effect/drbd-commands.ts'
import { openDrbdEvents } from '../../../agent/source/drbd-events.ts'
import type { DrbdEvent } from '../../../agent/state/drbd.ts'
import type { VolumeRef } from '../../../agent/wire/drbd-request.ts'

const signal = new AbortController().signal

if (isMainThread) await measure()
else {
  const of = workerData as VolumeRef
  const commands = openDrbdCommands(systemClock)
  parentPort?.on('message', async (kind: 'primary' | 'secondary') => {
    const sent = systemClock.mono()
    const outcome = await commands.run({ kind, of, force: false }, { deadlineMs: 5_000, signal })
    parentPort?.postMessage({ sent, answered: systemClock.mono(), outcome })
  })
}

interface Row {
  sent: number
  answered: number
  ours: number
  line: number
}

async function measure(): Promise<void> {
  const [resource = 'r0', volume = '0', minor = '0', rounds = '200'] = process.argv.slice(2)
  let row: Partial<Row> = {}
  let wake = (): void => {}
  const note = (key: keyof Row, at: number): void => {
    row[key] ??= at
    if (row.answered !== undefined && row.ours !== undefined && row.line !== undefined) wake()
  }
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { resource, volume: Number(volume), minor: Number(minor) },
  })
  worker.on('message', (told: { sent: number; answered: number }) => {
    row.sent = told.sent
    note('answered', told.answered)
  })
  const post = (event: DrbdEvent): void => {
    const now = systemClock.mono()
    if (event.kind === 'drbd-batch' && event.notices.some(notice => notice.object === 'resource'))
      note('ours', now)
  }
  await using source = openDrbdEvents(
    { clock: systemClock, log: openLog({ level: 'warn', name: 'latency' }) },
    post,
    signal,
  )
  const child = spawn('drbdsetup', ['events2', resource])
  child.stdout.on('data', (data: Buffer) => {
    const now = systemClock.mono()
    if (/change resource .*role:/.test(data.toString())) note('line', now)
  })
  await systemClock.sleep(3_000, signal)
  const rows: Row[] = []
  for (let round = 0; round < Number(rounds) + 10; round++) {
    row = {}
    const complete = new Promise<void>(resolve => {
      wake = resolve
    })
    worker.postMessage(round % 2 === 0 ? 'primary' : 'secondary')
    await Promise.race([
      complete,
      systemClock
        .sleep(10_000, signal)
        .then(() => Promise.reject(new Error(`round ${round}: ${JSON.stringify(row)}`))),
    ])
    if (round >= 10) rows.push(row as Row)
    await systemClock.sleep(20, signal)
  }
  child.kill()
  await worker.terminate()
  say(
    'request to its answer',
    rows.map(each => each.answered - each.sent),
  )
  say(
    'request to our callback',
    rows.map(each => each.ours - each.sent),
  )
  say(
    'request to the line of events2',
    rows.map(each => each.line - each.sent),
  )
  say(
    'ours ahead of events2 by',
    rows.map(each => each.line - each.ours),
  )
  const idleFrom = process.cpuUsage()
  await systemClock.sleep(10_000, signal)
  const idle = process.cpuUsage(idleFrom)
  console.log(
    `idle CPU ${((idle.user + idle.system) / 100_000).toFixed(3)} % of a core; RSS ${(process.memoryUsage.rss() / 1048576).toFixed(1)} MiB; ${JSON.stringify(source.counters())}`,
  )
}

function say(name: string, values: number[]): void {
  values.sort((a, b) => a - b)
  const at = (part: number): string =>
    (values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN).toFixed(3).padStart(9)
  console.log(`${name.padEnd(34)} median ${at(0.5)}  p99 ${at(0.99)}  min ${at(0)}  max ${at(1)} ms`)
}
