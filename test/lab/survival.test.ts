/** Nothing of a lab survives its runner: not SIGKILL, not SIGTERM, not Ctrl-C, not the end of its terminal. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { whyNoLab } from './requirements.ts'

/** Opens a lab in another process, as a test or `npm start` does, and tells when it is up. */
const RUNNER = path.join(import.meta.dirname, 'guest-of-survival.ts')

interface Traces {
  readonly processes: readonly string[]
  readonly namespaces: readonly string[]
}

/** All processes that carry the mark in their environment or live in one of the namespaces, and their namespaces. */
function traces(mark: string, known: readonly string[] = []): Traces {
  const processes: string[] = []
  const namespaces = new Set<string>()
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/net`)
      if (!known.includes(namespace) && !readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark))
        continue
      processes.push(`${pid} ${readFileSync(`/proc/${pid}/comm`, 'latin1').trim()}`)
      namespaces.add(namespace)
    } catch {} // it ended in between
  }
  return { processes, namespaces: [...namespaces] }
}

async function startRunner(mark: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [RUNNER], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, SURVIVAL_MARK: mark },
  })
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += chunk
    if (text.includes('lab is up')) break
  }
  return child
}

async function goneWithin(
  mark: string,
  namespaces: readonly string[],
  limitMs: number,
): Promise<readonly string[]> {
  const end = performance.now() + limitMs
  for (;;) {
    const left = traces(mark, namespaces).processes
    if (left.length === 0 || performance.now() > end) return left
    await sleep(50)
  }
}

const skip = whyNoLab() ?? false
t.setTimeout(180_000)

for (const [name, end] of [
  [
    'the end of its terminal (SIGHUP to the process group)',
    (child: ChildProcess) => process.kill(-child.pid!, 'SIGHUP'),
  ],
  ['SIGKILL of the runner', (child: ChildProcess) => process.kill(child.pid!, 'SIGKILL')],
  ['SIGTERM of the runner', (child: ChildProcess) => process.kill(child.pid!, 'SIGTERM')],
  [
    'Ctrl-C in its terminal (SIGINT to the process group)',
    (child: ChildProcess) => process.kill(-child.pid!, 'SIGINT'),
  ],
] as const) {
  t.test(name, { skip }, async t => {
    const mark = `survival-${process.pid}-${name.length}`
    const child = await startRunner(mark)
    const ended = once(child, 'exit')
    const before = traces(mark)
    t.ok(
      before.processes.some(line => line.includes('linux') || line.includes('reset')),
      before.processes.join(', '),
    )
    const ours = readlinkSync('/proc/self/ns/net')
    const labs = before.namespaces.filter(namespace => namespace !== ours)
    t.equal(labs.length, 1, 'all of the lab lives in one network namespace')
    end(child)
    await ended
    t.strictSame(await goneWithin(mark, labs, 10_000), [])
    t.notOk(readFileSync('/proc/net/dev', 'utf8').includes('repl-n1'), 'no tap outside')
  })
}
