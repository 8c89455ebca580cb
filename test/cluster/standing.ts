/** The one cluster that `npm run cluster -- up` leaves standing for a user: where it is written down, and whether it lives. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stateRoot } from '../lab/state-dir.ts'

export interface Standing {
  /** The process that everything dies with. */
  readonly keeper: number
  /** A process inside the lab's namespaces, as seen from outside of them. */
  readonly inside: number
  readonly kubehost: string
  readonly kubeconfig: string
  readonly stateDir: string
}

const FILE = join(stateRoot(), 'cluster.json')

export function readStanding(): Standing | undefined {
  if (!existsSync(FILE)) return undefined
  const standing = JSON.parse(readFileSync(FILE, 'utf8')) as Standing
  return existsSync(`/proc/${standing.inside}/ns/net`) ? standing : undefined
}

export function writeStanding(standing: Standing): void {
  writeFileSync(FILE, JSON.stringify(standing), { mode: 0o600 })
}

export function forgetStanding(): void {
  rmSync(FILE, { force: true })
}

/** The command line that runs `argv` in the network of the standing cluster. */
export function insideOf(standing: Standing, argv: readonly string[]): string[] {
  const asUser = process.getuid?.() === 0 ? [] : ['-U', '--preserve-credentials']
  return ['nsenter', '-t', String(standing.inside), ...asUser, '-n', '--', ...argv]
}
