/** The folders in which labs keep disks and console logs, and how those of dead labs are cleared away. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

/** Logs of a lab that ended are kept for a day, everything else goes with it. */
const KEEP_LOGS_MS = 24 * 3600_000

/**
 * Not under the checkout and not by TMPDIR: the kernel's command line cannot carry a space, and /tmp is often memory.
 * HAWSER_LAB_STATE names another place, and with it another lab of the command line.
 */
export function stateRoot(): string {
  return process.env['HAWSER_LAB_STATE'] ?? `/var/tmp/hawser-lab-${process.getuid?.() ?? 0}`
}

/** A new folder; its name begins with the process that the lab dies with. */
export function newStateDir(owner: number): string {
  mkdirSync(stateRoot(), { recursive: true, mode: 0o755 })
  for (let count = 0; ; count++) {
    const folder = path.join(stateRoot(), `${owner}-${count}`)
    if (existsSync(folder)) continue
    mkdirSync(folder)
    return folder
  }
}

/** Removes everything but the logs. */
export function clearStateDir(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name)
    if (entry.isDirectory()) clearStateDir(full)
    else if (!entry.name.endsWith('.log')) rmSync(full, { force: true })
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true, force: true })
}

/** Clears what killed labs left behind. Runs outside of the namespaces: only there is the owner's number true. */
export function sweepStateDirs(now = Date.now()): void {
  if (!existsSync(stateRoot())) return
  for (const name of readdirSync(stateRoot())) {
    const owner = /^(\d+)-\d+$/.exec(name)?.[1]
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue
    const folder = path.join(stateRoot(), name)
    if (now - statSync(folder).mtimeMs > KEEP_LOGS_MS) rmSync(folder, { recursive: true, force: true })
    else clearStateDir(folder)
  }
}
