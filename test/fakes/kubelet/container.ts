/** A container of a pod, without an image: a process group in a mount namespace of its own. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { at, type Json, type KubeObject, listAt, textAt } from '../api/json.ts'

export interface Mount {
  readonly source: string
  readonly target: string
}

export interface ContainerEnd {
  readonly exitCode: number
  readonly signal: string | undefined
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'metadata.name': ['metadata', 'name'],
  'metadata.namespace': ['metadata', 'namespace'],
  'metadata.uid': ['metadata', 'uid'],
  'spec.nodeName': ['spec', 'nodeName'],
  'spec.serviceAccountName': ['spec', 'serviceAccountName'],
}

/** Values, and fields of the pod; references to Secrets and ConfigMaps are not followed. */
export function environmentOf(pod: KubeObject, container: Json): Record<string, string> {
  const entries = listAt(container, 'env').map(entry => {
    const field = textAt(entry, 'valueFrom', 'fieldRef', 'fieldPath')
    const path = field === undefined ? undefined : FIELDS[field]
    const value = path === undefined ? textAt(entry, 'value') : textAt(pod, ...path)
    return [textAt(entry, 'name') ?? '', value ?? ''] as const
  })
  return Object.fromEntries(entries.filter(([name]) => name !== ''))
}

/** The image's entry point is taken to be Node. `$(NAME)` stands for the environment's value, `$$(NAME)` for itself. */
export function commandOf(container: Json, env: Readonly<Record<string, string>> = {}): string[] {
  const own = listAt(container, 'command').map(String)
  const argv = [...(own.length > 0 ? own : ['node']), ...listAt(container, 'args').map(String)]
  return argv.map(text =>
    text.replace(/\$(\$?)\(([\w.-]+)\)/g, (whole, escaped: string, name: string) =>
      escaped === '$' ? whole.slice(1) : (env[name] ?? whole),
    ),
  )
}

/** Binds the volumes where the container wants them. Unmounting on the node must reach in here, hence slave. */
function wrapped(argv: readonly string[], mounts: readonly Mount[]): string[] {
  const binds = mounts.flatMap(({ source, target }) => [source, target])
  const script =
    'n=$1; shift; while [ "$n" -gt 0 ]; do mkdir -p "$2" && mount --bind "$1" "$2" || exit 126; shift 2; n=$((n - 1)); done; exec "$@"'
  return [
    'unshare',
    '--mount',
    '--propagation',
    'slave',
    'sh',
    '-c',
    script,
    'container',
    String(mounts.length),
    ...binds,
    ...argv,
  ]
}

export interface RunningContainer {
  readonly startedAt: Date
  readonly ended: Promise<ContainerEnd>
  /** Asks, waits for the grace, then does not ask any more; resolves when the process has ended. */
  stop(graceMs: number): Promise<ContainerEnd>
}

export type StartContainer = (
  pod: KubeObject,
  container: Json,
  mounts: readonly Mount[],
  logFolder: string,
) => RunningContainer

export const startProcess: StartContainer = (pod, container, mounts, logFolder) => {
  mkdirSync(logFolder, { recursive: true })
  const log = openSync(`${logFolder}/${textAt(container, 'name')}.log`, 'a')
  const env = environmentOf(pod, container)
  const [program = '', ...args] = wrapped(commandOf(container, env), mounts)
  const child = spawn(program, args, {
    // A group of its own: all of it is killed, whatever the program has started.
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
    cwd: textAt(container, 'workingDir') ?? '/',
  })
  closeSync(log)
  const ended = new Promise<ContainerEnd>(resolve => {
    child.on('error', () => resolve({ exitCode: 127, signal: undefined }))
    child.on('exit', (code, signal) => resolve({ exitCode: code ?? 137, signal: signal ?? undefined }))
  })
  return {
    startedAt: new Date(),
    ended,
    async stop(graceMs) {
      killGroup(child.pid, 'SIGTERM')
      const timer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), graceMs)
      const end = await ended
      clearTimeout(timer)
      killGroup(child.pid, 'SIGKILL')
      return end
    },
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it has ended already
  }
}

export function restarts(pod: KubeObject): boolean {
  return (at(pod, 'spec', 'restartPolicy') ?? 'Always') === 'Always'
}
