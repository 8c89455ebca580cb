/** The runner as a program, in a copy of the repository that holds nothing but a few small test files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { findMarked, MARK } from './strays.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PASSES = "console.log('TAP version 14\\nok 1 - a\\n1..1')\n"
const FAILS = "console.log('TAP version 14\\nnot ok 1 - broken\\n1..1'); process.exitCode = 1\n"
const SKIPS = "console.log('TAP version 14\\nok 1 - a\\nok 2 - root # SKIP needs root\\n1..2')\n"
/** Starts a process in a session of its own, as a lab does, says so, and stays. */
const HANGS = `
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
writeFileSync('started', String(child.pid))
console.log('TAP version 14')
setInterval(() => {}, 1000)
`
/** Ends well, but leaves that process. */
const LEAVES = `${HANGS.replace('setInterval(() => {}, 1000)', '')}child.unref()\nconsole.log('ok 1 - a\\n1..1')\n`

interface Run {
  readonly child: ChildProcess
  output(): string
  readonly ended: Promise<number | NodeJS.Signals>
}

interface Copy {
  readonly dir: string
  start(args: readonly string[], env?: Record<string, string>): Run
  marked(): number
}

function makeCopy(t: Test, files: Readonly<Record<string, string>>): Copy {
  const dir = mkdtempSync(join(tmpdir(), 'hawser runner '))
  const mark = `${process.env[MARK] ?? ''}/copy-${process.pid}-${dir.slice(-6)}`
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  for (const path of ['test/tiers', 'test/setup', 'test/cluster', 'agent/kit', 'package.json']) {
    cpSync(join(ROOT, path), join(dir, path), { recursive: true, filter: from => !from.endsWith('.test.ts') })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  mkdirSync(join(dir, 'test', 'agent'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'test', 'agent', name), text)
  return {
    dir,
    marked: () => findMarked(mark).length,
    start: (args, env = {}) => {
      const child = spawn(process.execPath, [join(dir, 'test/tiers/main.ts'), ...args], {
        cwd: tmpdir(),
        env: { ...process.env, CI: '', [MARK]: mark, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let text = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', data => {
          text += String(data)
        })
      }
      const ended = new Promise<number | NodeJS.Signals>(resolve => {
        child.on('close', (code, signal) => resolve(code ?? signal ?? -1))
      })
      return { child, output: () => text, ended }
    },
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    if (isSo()) return
    await sleep(100)
  }
  throw new Error(`not within 15 s: ${what}`)
}

function hasStarted(copy: Copy): boolean {
  try {
    return readFileSync(join(copy.dir, 'started'), 'utf8') !== ''
  } catch {
    return false
  }
}

t.test('the last line counts, and a failure sets the exit code', async t => {
  const good = makeCopy(t, { 'a.test.ts': PASSES, 'b.test.ts': SKIPS }).start(['--only', 'unit'])
  t.equal(await good.ended, 0, good.output())
  t.equal(lastLine(good.output()), '2 passed, 0 failed')
  t.match(good.output(), /skip test\/agent\/b.test.ts › root: needs root/)
  const bad = makeCopy(t, { 'a.test.ts': PASSES, 'b.test.ts': FAILS }).start(['--only', 'unit'])
  t.equal(await bad.ended, 1)
  t.equal(lastLine(bad.output()), '1 passed, 1 failed')
  t.match(bad.output(), /broken/)
})

t.test('with CI set, what was skipped has failed', async t => {
  const run = makeCopy(t, { 'b.test.ts': SKIPS }).start(['--only', 'unit'], { CI: 'true' })
  t.equal(await run.ended, 1)
  t.equal(lastLine(run.output()), '1 passed, 1 failed')
})

t.test('words choose files; wrong arguments are one line and exit 64', async t => {
  const copy = makeCopy(t, { 'a.test.ts': PASSES, 'b.test.ts': FAILS })
  const chosen = copy.start(['--only', 'unit', 'agent/a'])
  t.equal(await chosen.ended, 0)
  t.equal(lastLine(chosen.output()), '1 passed, 0 failed')
  const wrong = copy.start(['--only', 'everything'])
  t.equal(await wrong.ended, 64)
  t.match(wrong.output(), /^hawser: ARGUMENT_INVALID: --only wants tiers .*\n$/)
})

t.test('a test that leaves a process behind fails, and the process is ended', async t => {
  const copy = makeCopy(t, { 'a.test.ts': LEAVES })
  const run = copy.start(['--only', 'unit'])
  t.equal(await run.ended, 1)
  t.match(run.output(), /left processes behind: sleep \(\d+\)/)
  t.equal(copy.marked(), 0)
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  t.test(`${signal} ends everything that was started`, async t => {
    const copy = makeCopy(t, { 'a.test.ts': HANGS })
    const run = copy.start(['--only', 'unit'])
    await until(() => hasStarted(copy), 'the test runs')
    t.ok(copy.marked() >= 3, 'runner, test and its sleep')
    run.child.kill(signal)
    t.equal(await run.ended, code)
    t.match(run.output(), /interrupted/)
    t.match(lastLine(run.output()), /^\d+ passed, \d+ failed$/)
    t.equal(copy.marked(), 0)
  })
}

t.test('SIGKILL of the runner ends the test program too', async t => {
  const copy = makeCopy(t, { 'a.test.ts': HANGS.replace(/const child[^\n]*/, 'const child = process') })
  const run = copy.start(['--only', 'unit'])
  await until(() => hasStarted(copy), 'the test runs')
  run.child.kill('SIGKILL')
  await run.ended
  await until(() => copy.marked() === 0, 'nothing is left')
})
