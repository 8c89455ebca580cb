/** Runs in a guest: tells this machine, over the control network, what DRBD and the agent there say; only what changed. */
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { StatusDocument } from '#protocol/status.ts'
import type { ProbeLine } from '../probe-line.ts'

/** /proc/drbd is the kernel's own word and cheap to read: often enough for a timeline in milliseconds. */
const KERNEL_MS = 40
const AGENT_MS = 200
/** A line without news, so that the other side knows the clock here and that we live. */
const CLOCK_MS = 500
const ANSWER_LIMIT = 1 << 20

const [node = '', host = '', port = '', socketPath = '', stepsFile = ''] = process.argv.slice(2)

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Without the counters, which never stand still. */
function stateLines(procDrbd: string): string {
  return procDrbd
    .split('\n')
    .filter(line => /^ *\d+: cs:/.test(line))
    .join('\n')
}

/** One GET of the agent; undefined when nobody answers. */
function ask(path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const call = request({ socketPath, path, timeout: 2000 }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
        if (text.length > ANSWER_LIMIT) call.destroy()
      })
      answer.on('end', () => resolve(answer.statusCode === 200 ? text : undefined))
      answer.on('error', () => resolve(undefined))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}

/** Without the ages, which never stand still. */
function standing(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const { watchdog, lease } = JSON.parse(text) as Pick<StatusDocument, 'watchdog' | 'lease'>
  const { device, armed, failure } = watchdog
  return JSON.stringify({
    watchdog: { device, armed, failure },
    lease: { held: lease.held, because: lease.because },
  })
}

/** Calls `tell` with each text that differs from the one before. */
function onChange<T>(tell: (text: T) => void): (text: T) => void {
  let before: T | undefined
  let told = false
  return text => {
    if (told && text === before) return
    before = text
    told = true
    tell(text)
  }
}

function report(socket: Socket): NodeJS.Timeout[] {
  const send = (line: ProbeLine): void => {
    socket.write(`${JSON.stringify(line)}\n`)
  }
  const now = (): number => Date.now()
  const bootId = readText('/proc/sys/kernel/random/boot_id').trim()
  send({ kind: 'hello', at: now(), node, bootId })
  const drbd = onChange((text: string) => send({ kind: 'drbd', at: now(), text }))
  const steps = onChange((text: string) => send({ kind: 'steps', at: now(), text }))
  const decisions = onChange((text: string | undefined) =>
    send({ kind: 'decisions', at: now(), text: text ?? null }),
  )
  const status = onChange((text: string | undefined) =>
    send({ kind: 'status', at: now(), text: text ?? null }),
  )
  let asking = false
  const askAgent = async (): Promise<void> => {
    if (asking) return
    asking = true
    decisions(await ask('/v1/decisions'))
    status(standing(await ask('/v1/status')))
    asking = false
  }
  return [
    setInterval(() => drbd(stateLines(readText('/proc/drbd'))), KERNEL_MS),
    setInterval(() => void askAgent(), AGENT_MS),
    setInterval(() => {
      send({ kind: 'clock', at: now() })
      if (stepsFile !== '') steps(readText(stepsFile))
    }, CLOCK_MS),
  ]
}

/** This machine may not listen yet, or no more for a moment: tried for ever, it costs nothing. */
function keepReporting(): void {
  const socket = connect({ host, port: Number(port), noDelay: true })
  let timers: NodeJS.Timeout[] = []
  socket.on('connect', () => {
    timers = report(socket)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    for (const timer of timers) clearInterval(timer)
    setTimeout(keepReporting, 500)
  })
}

keepReporting()
