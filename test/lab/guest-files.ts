/** What the guests read of this machine: scripts, settings of a boot, and names without spaces for folders. */
import { chmodSync, cpSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { LabNode } from './layout.ts'
import { RESET_STATUS } from './layout.ts'
import type { LabConfig } from './options.ts'

export interface GuestFiles {
  /** Seen in the guests as /lab. */
  readonly guestDir: string
  readonly resetProgram: string
  /** The shell settings that PID 1 reads at this boot. */
  writeBoot(node: LabNode, extra: Readonly<Record<string, string>>): void
}

/**
 * Copies the scripts: the checkout's path may hold a space or lie under /tmp, where the guests mount a tmpfs. For
 * the same reason folders get links: the kernel follows a link when it mounts it.
 */
export function prepareGuestFiles(stateDir: string, config: LabConfig): GuestFiles {
  const guestDir = path.join(stateDir, 'guest')
  cpSync(path.join(import.meta.dirname, 'guest'), guestDir, { recursive: true })
  cpSync(path.join(import.meta.dirname, 'oracle', 'writer.mjs'), path.join(guestDir, 'writer.mjs'))
  mkdirSync(path.join(guestDir, 'boot'), { recursive: true })
  const resetProgram = path.join(stateDir, 'reset')
  writeFileSync(resetProgram, `#!/bin/sh\necho "lab: the guest reset itself"\nexit ${RESET_STATUS}\n`)
  chmodSync(resetProgram, 0o755)
  const links = path.join(stateDir, 'links')
  mkdirSync(links, { recursive: true })
  const link = (name: string, target: string): string => {
    const file = path.join(links, name)
    rmSync(file, { force: true })
    symlinkSync(realpathSync(target), file)
    return file
  }
  // realpath: an npm-installed node is itself a link to its package
  const nodejsDir = link('nodejs', path.dirname(realpathSync(config.nodeBinary)))
  const mounts = Object.entries(config.mounts).map(
    ([inGuest, here], index) => `${inGuest}=${link(`mount${index}`, here)}`,
  )
  return {
    guestDir,
    resetProgram,
    writeBoot(node, extra) {
      const settings = {
        lab_nodejs_dir: nodejsDir,
        lab_mounts: mounts.join(' '),
        ...(config.hook === undefined ? {} : { lab_hook: config.hook }),
        ...config.settings,
        ...extra,
      }
      const lines = Object.entries(settings).map(([name, value]) => `${name}=${quote(value)}`)
      writeFileSync(path.join(guestDir, 'boot', node), `${lines.join('\n')}\n`)
    },
  }
}

/** For a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
