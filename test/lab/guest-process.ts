/** One guest as processes of this machine: the command line, its session, how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '#kit/errors.ts'
import { lastLines, whyEnded } from './console.ts'
import { type LabNode, macAddress, NETS, nodeIndex, RESET_STATUS, tapName } from './layout.ts'

export interface GuestSpec {
  readonly node: LabNode
  readonly memory: string
  /** Folder of the guest files, without a space in its path. */
  readonly guestDir: string
  /** Program that the kernel starts in its place when it wants to restart itself. */
  readonly resetProgram: string
  readonly umlDir: string
  readonly consoleLog: string
  /** ubd number → image file. */
  readonly disks: ReadonlyMap<number, string>
  readonly kernelArgs: readonly string[]
}

export type GuestEnd =
  | { readonly kind: 'killed' }
  | { readonly kind: 'halted' }
  | { readonly kind: 'reset'; readonly why: string }
  | { readonly kind: 'crashed'; readonly why: string }

export interface GuestProcess {
  readonly pid: number
  readonly ended: Promise<GuestEnd>
  hasEnded(): boolean
  /** Power cut: every process of the guest at once; its disk keeps what reached it. */
  kill(): Promise<void>
  /** Treats a guest that hangs while resetting itself as reset. */
  killAsReset(why: string): Promise<void>
  freeze(): void
  thaw(): void
}

/**
 * A guest is one kernel process and its traced children, of which one runs at a time: on one processor they take
 * turns two to three times faster than across processors.
 */
function processorFor(node: LabNode): string {
  const allowed = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const processors = allowed.split(',').flatMap(range => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  return String(processors[(nodeIndex(node) - 1) % processors.length] ?? 0)
}

export function kernelCommandLine(spec: GuestSpec): string[] {
  const disks = [...spec.disks].map(([index, file]) => `ubd${index}=${file}`)
  // gro=1: without it the driver loses every large packet that this machine sends
  const cards = NETS.map((net, index) => {
    return `vec${index}:transport=tap,ifname=${tapName(spec.node, net)},depth=128,gro=1,mac=${macAddress(spec.node, net)}`
  })
  const root = ['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${spec.guestDir}/init.sh`]
  const line = [`mem=${spec.memory}`, ...root, 'con=null', 'con0=null,fd:1', 'quiet', 'panic=-1']
  line.push(`umid=${spec.node}`, `uml_dir=${spec.umlDir}`, ...disks, ...cards)
  line.push(`lab_node=${spec.node}`, `lab_dir=${spec.guestDir}`, ...spec.kernelArgs)
  const spaced = line.find(argument => /\s/.test(argument))
  if (spaced !== undefined)
    throw new AppError('LAB_FAILED', 'a kernel argument cannot contain a space', { argument: spaced })
  return line
}

/**
 * A kernel of User-Mode Linux that restarts itself executes its own argv[0] again, and that second kernel cannot open
 * its taps. So argv[0] names a small program that only exits: a reset becomes an ordinary end with a known status.
 */
export function startGuest(spec: GuestSpec): GuestProcess {
  const log = openSync(spec.consoleLog, 'a')
  const script = 'ulimit -c 0; exec -a "$0" linux.uml "$@"'
  const shell = ['bash', '-c', script, spec.resetProgram, ...kernelCommandLine(spec)]
  const child = spawn('taskset', ['-c', processorFor(spec.node), ...shell], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  if (child.pid === undefined)
    throw new AppError('LAB_FAILED', 'a guest could not be started', { node: spec.node })
  return guestProcess(child, child.pid, spec)
}

function guestProcess(child: ChildProcess, pid: number, spec: GuestSpec): GuestProcess {
  let wish: 'killed' | { readonly reset: string } | undefined
  let over = false
  const { promise: ended, resolve } = Promise.withResolvers<GuestEnd>()
  const classify = (status: number | null): GuestEnd => {
    if (wish === 'killed') return { kind: 'killed' }
    if (wish) return { kind: 'reset', why: wish.reset }
    const why = whyEnded(lastLines(spec.consoleLog))
    if (status === RESET_STATUS) return { kind: 'reset', why }
    if (status === 0) return { kind: 'halted' }
    // panic=-1 asks for a restart, but the kernel of User-Mode Linux aborts instead
    return { kind: why.startsWith('panic') ? 'reset' : 'crashed', why }
  }
  child.on('error', cause => resolve({ kind: 'crashed', why: String(cause) }))
  child.on('exit', status => {
    over = true
    // The helpers of a guest hold its memory and its taps: wait for them, else the next boot cannot open these.
    void killSession(pid)
      .catch(() => {})
      .then(() => resolve(classify(status)))
  })
  const kill = async (as: typeof wish): Promise<void> => {
    // Over is over: the number may be another session's by now.
    if (!over) {
      wish = as
      await killSession(pid)
    }
    await ended
  }
  return {
    pid,
    ended,
    hasEnded: () => over,
    kill: () => kill('killed'),
    killAsReset: why => kill({ reset: why }),
    // Only the process that is the guest's kernel: it must not see its own children stop.
    freeze: () => process.kill(pid, 'SIGSTOP'),
    thaw: () => process.kill(pid, 'SIGCONT'),
  }
}

/** Everything in the session that the guest's first process leads, dead ones that nobody reaped yet apart. */
export function sessionOf(leader: number): number[] {
  return readdirSync('/proc').flatMap(name => {
    const pid = Number(name)
    if (!Number.isInteger(pid)) return []
    try {
      // pid (comm) state ppid pgrp session: comm may hold blanks and brackets
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')
      return Number(fields[3]) === leader && fields[0] !== 'Z' ? [pid] : []
    } catch {
      return []
    }
  })
}

async function killSession(leader: number): Promise<void> {
  for (let round = 0; round < 250; round++) {
    const pids = sessionOf(leader)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {} // it ended in between
    }
    await sleep(20)
  }
  throw new AppError('LAB_FAILED', 'processes of a guest cannot be killed', {
    leader,
    left: sessionOf(leader),
  })
}
