/** A Linux watchdog device: armed by being open, fed by one synchronous write, let go only on purpose. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'
import { errno, errnoText, ioctl } from './libc.ts'

const WDIOC_GETSUPPORT = 0x80285700
const WDIOC_SETOPTIONS = 0x80045704
const WDIOS_DISABLECARD = 1
const WDIOC_SETTIMEOUT = 0xc0045706
const WDIOC_GETTIMEOUT = 0x80045707
const WDIOF_SETTIMEOUT = 0x80
const WDIOF_MAGICCLOSE = 0x100

const FEED = Uint8Array.of(0)
/** "Magic close": the device is let go only if this was the last byte written. */
const RELEASE = Uint8Array.of(0x56)

export interface WatchdogDevice {
  readonly path: string
  /** For a second process that holds the same open file. */
  readonly fd: number
  readonly identity: string
  /** What the device really counts, in seconds. */
  readonly timeoutSeconds: number
  /** One system call on a descriptor that is already open; throws when the device refuses. */
  feed(): void
  /** Stops the device and closes it. Throws where the kernel lets nobody stop it (nowayout): then it is open still, and wants food. */
  disarm(): void
  /** Closes it without letting go: the device fires unless it is opened and fed again in time. */
  abandon(): void
}

/** Opens (and so starts) the device and sets its time-out. The first feed is part of opening. */
export function openWatchdog(path: string, timeoutSeconds: number): WatchdogDevice {
  const fd = openDevice(path)
  try {
    return programWatchdog(path, fd, timeoutSeconds)
  } catch (error) {
    letGo(fd)
    throw error
  }
}

/** Takes over a descriptor of a device that runs already, and feeds it; closes it when that fails, and the device runs on. */
export function adoptWatchdog(path: string, fd: number, timeoutSeconds: number): WatchdogDevice {
  try {
    return programWatchdog(path, fd, timeoutSeconds)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function programWatchdog(path: string, fd: number, timeoutSeconds: number): WatchdogDevice {
  const info = new Uint8Array(40)
  call(path, fd, WDIOC_GETSUPPORT, info, 'WDIOC_GETSUPPORT')
  const options = new DataView(info.buffer).getUint32(0, true)
  if ((options & WDIOF_SETTIMEOUT) === 0 || (options & WDIOF_MAGICCLOSE) === 0) {
    throw new AppError(
      'WATCHDOG_UNAVAILABLE',
      'the watchdog can not be given a time-out or can not be stopped',
      { path, options },
    )
  }
  const value = new Uint8Array(Uint32Array.of(timeoutSeconds).buffer)
  call(path, fd, WDIOC_SETTIMEOUT, value, 'WDIOC_SETTIMEOUT')
  call(path, fd, WDIOC_GETTIMEOUT, value, 'WDIOC_GETTIMEOUT')
  const granted = new DataView(value.buffer).getUint32(0, true)
  // A shorter time is safe for the others, a longer one would break the bound that they rely on.
  if (granted > timeoutSeconds) {
    throw new AppError('WATCHDOG_UNAVAILABLE', 'the watchdog counts longer than it was told', {
      path,
      timeoutSeconds,
      granted,
    })
  }
  writeSync(fd, FEED)
  return device(path, fd, identityOf(info), granted)
}

function device(path: string, fd: number, identity: string, timeoutSeconds: number): WatchdogDevice {
  let open = true
  return {
    path,
    fd,
    identity,
    timeoutSeconds,
    feed() {
      if (!open) throw new AppError('WATCHDOG_UNAVAILABLE', 'the watchdog is closed', { path })
      writeSync(fd, FEED)
    },
    disarm() {
      if (!open) return
      // Another process may hold the same file open: then closing alone would stop nothing. And with nowayout, as some
      // kernels are built, nothing does: the magic close is taken without a word, and the node resets all the same.
      const stop = new Uint8Array(Int32Array.of(WDIOS_DISABLECARD).buffer)
      call(path, fd, WDIOC_SETOPTIONS, stop, 'WDIOC_SETOPTIONS WDIOS_DISABLECARD')
      open = false
      letGo(fd)
    },
    abandon() {
      if (!open) return
      open = false
      closeSync(fd)
    },
  }
}

function openDevice(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY)
  } catch (cause) {
    throw new AppError('WATCHDOG_UNAVAILABLE', 'the watchdog device could not be opened', { path }, cause)
  }
}

function letGo(fd: number): void {
  try {
    writeSync(fd, RELEASE)
  } finally {
    closeSync(fd)
  }
}

function call(path: string, fd: number, request: number, argument: Uint8Array, name: string): void {
  if (ioctl(fd, request, argument) >= 0) return
  throw new AppError('WATCHDOG_UNAVAILABLE', 'the watchdog refused a call', {
    path,
    call: name,
    errno: errnoText(errno()),
  })
}

function identityOf(info: Uint8Array): string {
  return new TextDecoder().decode(info.subarray(8, 40)).replace(/\0.*$/s, '')
}
