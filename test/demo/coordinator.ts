/** The coordinator as a process of this machine beside the embedded API server, stopped and started again on demand. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface CoordinatorProcess extends AsyncDisposable {
  start(): Promise<void>
  stop(): Promise<void>
}

const MAIN = join(import.meta.dirname, '../../coordinator/main.ts')
const KILL_AFTER_MS = 5_000

export async function openCoordinator(url: string, logFile: string): Promise<CoordinatorProcess> {
  const tokenFile = `${logFile}.token`
  await writeFile(tokenFile, 'coordinator')
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const log = openSync(logFile, 'a')
    const args = [MAIN, '--server', url, '--token-file', tokenFile, '--listen', '127.0.0.1:8081']
    child = spawn(process.execPath, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    await once(child, 'spawn')
  }
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGTERM')
    const timer = setTimeout(() => running.kill('SIGKILL'), KILL_AFTER_MS)
    await ended
    clearTimeout(timer)
  }
  await start()
  return { start, stop, [Symbol.asyncDispose]: stop }
}
