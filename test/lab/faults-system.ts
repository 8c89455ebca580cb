/** A guest that goes wrong as a whole: its clock jumps, its drbdsetup hangs, it resets itself. */
import type { LabNode } from './layout.ts'
import type { StorageLab } from './storage.ts'

/** Only the wall clock: a guest's monotonic clock cannot be moved, nor can a real one. */
export async function jumpClock(lab: StorageLab, node: LabNode, seconds: number): Promise<void> {
  await lab.sh(node, `date -s "@$(( $(date +%s) + ${Math.trunc(seconds)} ))" >/dev/null`)
}

/** From now on drbdsetup never answers, whoever starts it; drbdadm and handlers that call it hang as well. */
export async function hangDrbdsetup(lab: StorageLab, node: LabNode): Promise<void> {
  await lab.writeFile(node, '/run/hung-drbdsetup', '#!/bin/sh\nexec sleep 1000000\n')
  await lab.sh(
    node,
    'chmod 755 /run/hung-drbdsetup && mount --bind /run/hung-drbdsetup "$(command -v drbdsetup)"',
  )
}

/** Those that hang already go on hanging, as they would. */
export async function unhangDrbdsetup(lab: StorageLab, node: LabNode): Promise<void> {
  await lab.sh(node, 'umount "$(command -v drbdsetup)"')
}

/** As the agent does it to fence its own node: at once, nothing is written back. */
export async function sysrqReset(lab: StorageLab, node: LabNode): Promise<void> {
  await lab.sh(node, '(sleep 0.2; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &')
}

/** A watchdog that nobody feeds: the guest resets itself after the margin. */
export async function starveWatchdog(lab: StorageLab, node: LabNode, marginS: number): Promise<void> {
  await lab.sh(
    node,
    `modprobe softdog soft_margin=${marginS} soft_noboot=0 && (exec 3>/dev/watchdog1; sleep 1000) >/dev/null 2>&1 &`,
  )
}
