/** The restart loop, run by a real shell, with a stand-in of the agent that does as it is told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../cluster/until.ts'

const SCRIPT = join(import.meta.dirname, '../../../deploy/images/run-agent.sh')
const { signal: never } = new AbortController()
const soon = { signal: never, deadlineMs: 10_000, everyMs: 20 }

/** `agent` is a shell script; it is started with the folder as its working directory. */
async function start(
  t: Test,
  agent: string,
): Promise<{ readonly child: ChildProcess; readonly dir: string; starts(): Promise<number[]> }> {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-run-'))
  await copyFile(SCRIPT, join(dir, 'run-agent'))
  await writeFile(join(dir, 'agent.mjs'), `echo $$ >>starts\n${agent}\n`)
  await appendFile(join(dir, 'starts'), '')
  const child = spawn('/bin/sh', [join(dir, 'run-agent'), '--word'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HAWSER_NODE: '/bin/sh' },
    stdio: 'ignore',
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    for (const pid of await starts()) kill(pid, 'SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })
  const starts = async (): Promise<number[]> =>
    (await readFile(join(dir, 'starts'), 'utf8')).split('\n').filter(Boolean).map(Number)
  return { child, dir, starts }
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

t.test('an agent that is killed is started again, well within the watchdog time', async t => {
  const { child, starts } = await start(t, 'exec sleep 60')
  const [first = 0] = await until(
    'a start',
    async () => ((await starts()).length === 1 ? starts() : undefined),
    soon,
  )
  const since = performance.now()
  process.kill(first, 'SIGKILL')
  await until('another start', async () => ((await starts()).length === 2 ? true : undefined), soon)
  t.ok(performance.now() - since < 2_000)
  t.equal(child.exitCode, null)
})

t.test('it gets the arguments; exit code 64 ends the loop, others do not', async t => {
  const { child, starts } = await start(
    t,
    '[ "$1" = --word ] || exit 64\n[ "$(wc -l <starts)" -lt 3 ] || exit 64\nexit 70',
  )
  const [code] = await once(child, 'exit')
  t.equal(code, 64)
  t.equal((await starts()).length, 3, 'two ended with 70 and were started again')
})

t.test('SIGTERM reaches the agent, its end is waited for, its code is passed on', async t => {
  const { child, dir, starts } = await start(
    t,
    "trap 'sleep 0.5; echo done >ended; exit 3' TERM\ntouch ready\nwhile :; do sleep 0.1; done",
  )
  await until('the trap', async () => readFile(join(dir, 'ready')).catch(() => undefined), soon)
  child.kill('SIGTERM')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  t.equal(code, 3)
  t.equal(await readFile(join(dir, 'ended'), 'utf8'), 'done\n')
  t.equal((await starts()).length, 1, 'not started again')
})

t.test('SIGTERM while it waits for the next start ends it at once', async t => {
  const { child, starts } = await start(t, 'exit 70')
  await until('a start', async () => ((await starts()).length >= 1 ? true : undefined), soon)
  await new Promise(resolve => setTimeout(resolve, 100))
  const since = performance.now()
  child.kill('SIGTERM')
  await once(child, 'exit')
  t.ok(performance.now() - since < 300)
})
