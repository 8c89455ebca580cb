/** Puts the fence-peer handler where the host's kernel can start it: outside of the agent's container. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** Copies `source` to `<stateDir>/bin/fence-peer`, as a whole, only when it differs; returns what it did. */
export function installHelper(source: string, stateDir: string): 'installed' | 'same' | 'no source' {
  if (!existsSync(source)) return 'no source'
  const dir = join(stateDir, 'bin')
  const path = join(dir, 'fence-peer')
  if (existsSync(path) && readFileSync(path).equals(readFileSync(source))) return 'same'
  mkdirSync(dir, { recursive: true, mode: 0o755 })
  // A handler that runs at this moment keeps its old file.
  copyFileSync(source, `${path}.next`)
  chmodSync(`${path}.next`, 0o755)
  renameSync(`${path}.next`, path)
  return 'installed'
}
