/** A folder of logs for each run under .state/tests, with `last` pointing to the newest; old ones are removed. */
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const KEPT = 5
const RUN_NAME = /^\d{8}T\d{6}-\d+$/

export function openLogFolder(root: string, now: Date): string {
  const all = join(root, '.state', 'tests')
  mkdirSync(all, { recursive: true })
  const old = readdirSync(all).filter(name => RUN_NAME.test(name))
  for (const name of old.sort().slice(0, Math.max(0, old.length - KEPT + 1))) {
    rmSync(join(all, name), { recursive: true, force: true })
  }
  const name = `${now.toISOString().replaceAll(/[-:]|\.\d+Z$/g, '')}-${process.pid}`
  mkdirSync(join(all, name))
  // Made aside and renamed, so that two runs at once do not trip over each other.
  const link = join(all, `last-${process.pid}`)
  rmSync(link, { force: true })
  symlinkSync(name, link)
  renameSync(link, join(all, 'last'))
  return join(all, name)
}
