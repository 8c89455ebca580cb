/** Makes the running script live inside the lab's own namespaces, so that nothing of a lab can survive it. */
import { spawn } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { AppError } from '#kit/errors.ts'
import { requireLab } from './requirements.ts'
import { stateRoot, sweepStateDirs } from './state-dir.ts'

const MARK = 'HAWSER_LAB_NETNS'
const OWNER = 'HAWSER_LAB_OWNER'

/**
 * PID 1 of the namespaces. It waits in the foreground (so the terminal's Ctrl-C reaches the script) and reaps
 * orphans. The guests' memory lies in /dev/shm, which containers often limit to 64 MiB: take one of our own.
 */
const INIT = 'mount -t tmpfs -o size=90% tmpfs /dev/shm 2>/dev/null; ip link set lo up; "$@"; exit $?'

/** Whether this process lives in namespaces that enterLab made. */
export function isInsideLab(): boolean {
  return process.env[MARK] !== undefined && process.env[MARK] !== readlinkSync('/proc/self/ns/net')
}

/** The process outside that everything here dies with: names the state folder. */
export function ownerPid(): number {
  return Number(process.env[OWNER] ?? process.pid)
}

/**
 * Called first thing in a script (before tap is imported: it would report twice). Outside: runs the same script
 * again inside new network, mount and process namespaces and exits with its status; never returns. Inside: nothing.
 * The kernel kills all of the process namespace when its first process dies, and that one dies with this process,
 * even by SIGKILL.
 */
export async function enterLab(): Promise<void> {
  if (isInsideLab()) return
  requireLab()
  sweepStateDirs()
  process.exit(await runInside([process.execPath, ...process.execArgv, ...process.argv.slice(1)]))
}

/** Runs a program inside new lab namespaces; resolves with its exit status. */
export async function runInside(
  argv: readonly string[],
  onStart?: (innerPid: () => number | undefined) => void,
): Promise<number> {
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const wrapper = ['--pdeathsig', 'KILL', '--', 'unshare', ...asUser, '--net', '--mount', '--pid', '--fork']
  const args = [...wrapper, '--kill-child=KILL', '--mount-proc', 'bash', '-c', INIT, 'lab-init', ...argv]
  const child = spawn('setpriv', args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
      [MARK]: readlinkSync('/proc/self/ns/net'),
      [OWNER]: String(process.pid),
      // Inside, an ordinary user looks like root: the folder has to be named out here.
      HAWSER_LAB_STATE: stateRoot(),
    },
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', cause =>
    reject(new AppError('LAB_FAILED', 'the namespaces of the lab could not be made', {}, cause)),
  )
  child.on('exit', (status, signal) => resolve(status ?? (signal === null ? 1 : 128)))
  onStart?.(() => innermost(child.pid))
  // Ctrl-C reaches the inner script by itself; this process waits for it. A polite SIGTERM is handed on.
  const ignore = (): void => {}
  const handOn = (signal: NodeJS.Signals): void => {
    const inner = innermost(child.pid)
    if (inner === undefined) child.kill('SIGKILL')
    else process.kill(inner, signal)
  }
  process.on('SIGINT', ignore).on('SIGTERM', handOn).on('SIGHUP', handOn)
  try {
    return await promise
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', handOn).off('SIGHUP', handOn)
  }
}

/** unshare → PID 1 → the script: the script's process as seen from outside. */
function innermost(wrapper: number | undefined): number | undefined {
  const first = wrapper === undefined ? undefined : onlyChild(wrapper)
  return first === undefined ? undefined : onlyChild(first)
}

/** The first child of a process of this machine, if it has one. */
export function onlyChild(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
    return first === undefined ? undefined : Number(first)
  } catch {
    return undefined
  }
}
