/** Which boot of the kernel this is, and since when this process lives in it. */
import { readFileSync } from 'node:fs'
import { type BootId, bootId } from '#kit/brand.ts'
import { AppError } from '#kit/errors.ts'

/** Reads /proc/sys/kernel/random/boot_id: new at every boot, the same in every namespace. */
export function readBootId(path = '/proc/sys/kernel/random/boot_id'): BootId {
  try {
    return bootId(readFileSync(path, 'utf8').trim())
  } catch (cause) {
    throw new AppError('RIGHTS_MISSING', 'the boot id of the kernel cannot be read', { path }, cause)
  }
}
