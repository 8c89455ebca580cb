/** Runs one test program in a process group of its own, under a deadline, and leaves nothing of it behind. */
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { endStrays, MARK, type Stray, signalProcess } from './strays.ts'

export interface ChildOptions {
  readonly argv: readonly [string, ...string[]]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Value of the variable by which its processes are found again. */
  readonly mark: string
  readonly logFile: string
  readonly deadlineMs: number
  /** Time between asking it to end and ending it. */
  readonly graceMs: number
  readonly signal: AbortSignal
  readonly onOutput: (text: string) => void
}

export interface ChildEnd {
  /** Undefined when it ended by itself with status 0. */
  readonly ended: string | undefined
  /** The last lines of its standard error. */
  readonly stderr: string
  readonly strays: readonly Stray[]
}

const STDERR_KEPT = 6_000
/** Where it exists (every Debian), the test is also told when the runner itself is killed. */
const SETPRIV = '/usr/bin/setpriv'
const TOLD_OF_DEATH = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '--'] : []

export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const [program, ...args] = [...TOLD_OF_DEATH, ...options.argv] as [string, ...string[]]
  const log = createWriteStream(options.logFile)
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, [MARK]: options.mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log.write(text)
    options.onOutput(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log.write(text)
    stderr = `${stderr}${text}`.slice(-STDERR_KEPT)
  })
  const exit = new Promise<string | undefined>(resolve => {
    child.on('error', error => resolve(`could not be started: ${error.message}`))
    child.on('exit', (code, signal) =>
      resolve(code === 0 ? undefined : signal ? `ended by ${signal}` : `exit ${code}`),
    )
  })
  const closed = new Promise<void>(resolve => {
    child.on('close', () => resolve())
    child.on('error', () => resolve())
  })
  const stopped = await watchOver(child.pid, exit, options)
  const ended = stopped ?? (await exit)
  const strays = await endStrays(options.mark, stopped === undefined ? 1_000 : 0)
  // A descendant that escaped the mark may still hold the pipes open: its output is not waited for.
  await Promise.race([closed, sleep(2_000, undefined, { ref: false })])
  child.stdout.destroy()
  child.stderr.destroy()
  log.end()
  await finished(log)
  return { ended, stderr, strays }
}

/** Ends the group when time is up or the run is stopped; says why, or undefined when the child ended by itself. */
async function watchOver(
  pid: number | undefined,
  exit: Promise<unknown>,
  { deadlineMs, graceMs, signal }: ChildOptions,
): Promise<string | undefined> {
  const late = AbortSignal.timeout(deadlineMs)
  const stop = AbortSignal.any([late, signal])
  const told = new Promise<'stop'>(resolve => {
    if (stop.aborted) resolve('stop')
    stop.addEventListener('abort', () => resolve('stop'), { once: true })
  })
  if ((await Promise.race([exit.then(() => 'exit' as const), told])) === 'exit' || pid === undefined)
    return undefined
  signalProcess(-pid, 'SIGTERM')
  const ended = await Promise.race([exit.then(() => true), sleep(graceMs, false, { ref: false })])
  signalProcess(-pid, 'SIGKILL')
  const forced = ended ? '' : `, and had to be killed ${graceMs / 1000} s after SIGTERM`
  return late.aborted ? `not ended after ${deadlineMs / 1000} s${forced}` : `stopped with the run${forced}`
}
