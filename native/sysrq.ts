/** The way to reset this node at once: /proc/sysrq-trigger, opened early, so that nothing is needed when it counts. */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'

const REBOOT = Uint8Array.of(0x62)

export interface SysRq extends Disposable {
  /** Resets the machine without sync or unmount: does not return where it works. */
  reboot(): void
}

export function openSysRq(path = '/proc/sysrq-trigger'): SysRq {
  const fd = openTrigger(path)
  let open = true
  return {
    reboot() {
      writeSync(fd, REBOOT)
    },
    [Symbol.dispose]() {
      if (!open) return
      open = false
      closeSync(fd)
    },
  }
}

function openTrigger(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY)
  } catch (cause) {
    throw new AppError('RIGHTS_MISSING', 'the SysRq trigger could not be opened', { path }, cause)
  }
}
