/** One long-running program of a test cluster: started, waited for, logged to a file, ended; it never outlives this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'

export interface PartWanted {
  readonly name: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly logFile: string
  /** True when the program serves. */
  readonly ready: () => Promise<boolean>
  readonly readyMs: number
}

export interface Part {
  readonly name: string
  readonly pid: number
  /** SIGTERM, then SIGKILL after `graceMs` (1 s unless told: an API server with watchers takes its time). */
  stop(graceMs?: number): Promise<void>
}

/** Starts a program and waits until it serves; it gets SIGKILL from the kernel when this process ends, however that happens. */
export async function startPart(wanted: PartWanted, signal: AbortSignal): Promise<Part> {
  signal.throwIfAborted()
  const args = ['--pdeathsig', 'KILL', ...wanted.argv]
  const log = openSync(wanted.logFile, 'a')
  const child = spawn('setpriv', args, { cwd: wanted.cwd, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  let failure: unknown
  child.on('error', error => {
    failure = error
  })
  const part: Part = {
    name: wanted.name,
    pid: child.pid ?? -1,
    stop: graceMs => stopChild(child, graceMs ?? 1000),
  }
  try {
    await waitReady(wanted, () => failure !== undefined || ended(child), signal)
  } catch (cause) {
    await part.stop(0)
    throw cause
  }
  return part
}

async function waitReady(wanted: PartWanted, dead: () => boolean, signal: AbortSignal): Promise<void> {
  const end = performance.now() + wanted.readyMs
  while (!(await wanted.ready().catch(() => false))) {
    const fields = { part: wanted.name, log: wanted.logFile }
    if (dead())
      throw new AppError('PROGRAM_FAILED', 'a part of the cluster ended at its start', {
        ...fields,
        last: await lastLine(wanted.logFile),
      })
    if (performance.now() > end)
      throw new AppError('DEADLINE_PASSED', 'a part of the cluster was not ready in time', {
        ...fields,
        readyMs: wanted.readyMs,
      })
    await sleep(50, undefined, { signal })
  }
}

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.pid === undefined || ended(child)) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill(graceMs > 0 ? 'SIGTERM' : 'SIGKILL')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await exited
  clearTimeout(timer)
}

async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').at(-1)?.slice(-300) ?? ''
}
