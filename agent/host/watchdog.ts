/** The watchdog device with its second holder: armed by a lease, fed by one call, let go only on purpose. */
import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, readdirSync, readFileSync, statSync } from 'node:fs'
import type { Clock, MonoMs } from '#kit/clock.ts'
import { AppError } from '#kit/errors.ts'
import { errno, errnoText } from '../../native/libc.ts'
import { pidfdGetfd, pidfdOpen } from '../../native/pidfd.ts'
import { adoptWatchdog, openWatchdog, type WatchdogDevice } from '../../native/watchdog.ts'

const HELD_FD = 3
const HOLDER_NAME = 'hawser-holder'
const HOLDER_READY_MS = 4000
const HOLDER_GONE_MS = 1000

export interface OpenedWatchdog {
  /** The time after the feed. */
  readonly at: MonoMs
  /**
   * The node resets at the latest this long after the last feed that the lease allowed, whatever happens to the agent:
   * the time-out where a second process holds the device, twice the time-out where none does (see watchdog-holder.c).
   */
  readonly resetMs: number
  /** Why no second process holds it; undefined: one does. */
  readonly withoutHolder: unknown
}

export interface WatchdogPort {
  /** Opens or takes back the device and feeds it, unless it is later than `notAfter` by then. */
  open(timeoutMs: number, notAfter: MonoMs): Promise<OpenedWatchdog>
  /** Feeds unless it is later than `notAfter`; returns the time after the call, or undefined: not fed. */
  feed(notAfter: MonoMs): MonoMs | undefined
  /** Stops the device. */
  disarm(): Promise<void>
  /** Closes it without stopping it. */
  abandon(): void
}

/** `holder`: the program watchdog-holder; without it the bound is twice the time-out. */
export function watchdogPort(path: string, holder: string, clock: Clock): WatchdogPort {
  const hasHolder = isProgram(holder)
  let device: WatchdogDevice | undefined
  let holderPid: number | undefined

  return {
    async open(timeoutMs, notAfter) {
      const held = findHolder(path)
      if (clock.mono() >= notAfter)
        throw new AppError('DEADLINE_PASSED', 'the lease ended before the watchdog was opened', { path })
      const opened =
        held === undefined
          ? openWatchdog(path, timeoutMs / 1000)
          : adoptWatchdog(path, takeFd(held), timeoutMs / 1000)
      const at = clock.mono()
      // From here on it counts, so it is never let go again but by a clean stop: without a holder only the bound is larger.
      device = opened
      try {
        holderPid = held ?? (hasHolder ? await startHolder(holder, opened.fd) : undefined)
      } catch (cause) {
        return { at, resetMs: 2 * timeoutMs, withoutHolder: cause }
      }
      const withoutHolder = holderPid === undefined ? 'there is no such program' : undefined
      return { at, resetMs: holderPid === undefined ? 2 * timeoutMs : timeoutMs, withoutHolder }
    },
    feed(notAfter) {
      if (device === undefined || clock.mono() >= notAfter) return undefined
      device.feed()
      return clock.mono()
    },
    async disarm() {
      device?.disarm()
      device = undefined
      if (holderPid !== undefined) await endHolder(holderPid, clock)
      holderPid = undefined
    },
    abandon() {
      device?.abandon()
      device = undefined
    },
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The process that holds this device for an agent that is gone; seen only where the pid namespace is shared with it. */
function findHolder(path: string): number | undefined {
  const wanted = statSync(path, { throwIfNoEntry: false })?.rdev
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      if (readFileSync(`/proc/${entry}/comm`, 'utf8').trim() !== HOLDER_NAME) continue
      if (statSync(`/proc/${entry}/fd/${HELD_FD}`).rdev === wanted) return Number(entry)
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined
}

/** A descriptor of the same open file: the device cannot be opened twice. */
function takeFd(pid: number): number {
  const pidfd = pidfdOpen(pid)
  const fd = pidfd < 0 ? -1 : pidfdGetfd(pidfd, HELD_FD)
  const code = errno()
  if (pidfd >= 0) closeSync(pidfd)
  if (fd >= 0) return fd
  throw new AppError('WATCHDOG_UNAVAILABLE', 'the watchdog could not be taken back from its holder', {
    pid,
    errno: errnoText(code),
  })
}

/** Resolves with its pid once it says that it holds. */
function startHolder(program: string, fd: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'ignore', fd], detached: true, env: {} })
  const fail = (why: string, cause?: unknown): void =>
    reject(
      new AppError(
        'WATCHDOG_UNAVAILABLE',
        'the second holder of the watchdog did not start',
        { program, why },
        cause,
      ),
    )
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    fail('it did not answer in time')
  }, HOLDER_READY_MS)
  child.on('error', error => fail('it could not be run', error))
  child.on('exit', code => fail(`it ended with status ${code}`))
  child.stdout?.once('data', () => {
    if (child.pid !== undefined) resolve(child.pid)
  })
  child.unref()
  return promise.finally(() => {
    clearTimeout(timer)
    child.stdout?.destroy()
  })
}

async function endHolder(pid: number, clock: Clock): Promise<void> {
  const signal = AbortSignal.timeout(HOLDER_GONE_MS)
  try {
    process.kill(pid, 'SIGUSR1')
    while (!signal.aborted) {
      process.kill(pid, 0)
      await clock.sleep(20, signal)
    }
  } catch {
    // Gone, or slow to go: the device is stopped either way.
  }
}
