/** with-node.sh in a copy of its surroundings, with a stand-in for npm that takes notes and links Node 24. */
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'

const HERE = import.meta.dirname
const LOCK = { packages: { '': {}, 'node_modules/node': { version: '24.21.0' } } }

/** Does what `npm ci` does, as far as with-node.sh can see it. FAIL, FAIL_ONCE and SLOW make it misbehave. */
const NPM = `#!/bin/bash
echo "$PWD: npm $*; prefix=\${npm_config_prefix-none}" >>"$CALLS"
[ -z "\${SLOW:-}" ] || sleep 0.5
[ -z "\${FAIL:-}" ] || { echo 'npm error code ENOTFOUND' >&2; exit 1; }
[ -z "\${FAIL_ONCE:-}" ] || [ -e "$FAIL_ONCE" ] || { touch "$FAIL_ONCE"; echo 'npm error code ECONNRESET' >&2; exit 1; }
mkdir -p node_modules/node/bin
ln -sf "$NODE24" node_modules/node/bin/node
cp package-lock.json node_modules/.package-lock.json
`

interface Clone {
  readonly root: string
  readonly bin: string
  calls(): readonly string[]
  run(args: readonly string[], options?: { env?: Record<string, string>; cwd?: string }): Promise<Ended>
  lock(version: string): void
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function makeClone(t: Test): Clone {
  const top = mkdtempSync(join(tmpdir(), 'hawser with-node '))
  t.teardown(() => rmSync(top, { recursive: true, force: true }))
  const root = join(top, 'the clone')
  const bin = join(top, 'bin')
  const callsFile = join(top, 'calls')
  mkdirSync(join(root, 'test', 'setup'), { recursive: true })
  mkdirSync(bin)
  for (const name of ['with-node.sh', 'packages-differ.mjs']) {
    copyFileSync(join(HERE, name), join(root, 'test', 'setup', name))
  }
  writeFileSync(
    join(root, 'hello.ts'),
    'console.log(JSON.stringify({ version: process.version as string, args: process.argv.slice(2) }))',
  )
  writeFileSync(join(bin, 'npm'), NPM, { mode: 0o755 })
  symlinkSync(process.execPath, join(bin, 'node'))
  const lock = (version: string) => {
    const packages = { ...LOCK.packages, 'node_modules/other': { version } }
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
  }
  lock('1.0.0')
  return {
    root,
    bin,
    lock,
    calls: () => (existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trimEnd().split('\n') : []),
    run: (args, { env = {}, cwd = top } = {}) =>
      end(['bash', join(root, 'test', 'setup', 'with-node.sh'), ...args], cwd, {
        PATH: `${bin}:/usr/bin:/bin`,
        CALLS: callsFile,
        NODE24: process.execPath,
        ...env,
      }),
  }
}

function end(argv: readonly [string, ...string[]], cwd: string, env: Record<string, string>): Promise<Ended> {
  const [program, ...args] = argv
  const child = spawn(program, args, { cwd, env, timeout: 30_000 })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', data => {
    stdout += String(data)
  })
  child.stderr.on('data', data => {
    stderr += String(data)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

t.test('a first call installs and says why; a second one does not', async t => {
  const clone = makeClone(t)
  const first = await clone.run(['hello.ts', 'a', 'b c'])
  t.equal(first.code, 0, first.stderr)
  t.same(JSON.parse(first.stdout), { version: process.version, args: ['a', 'b c'] })
  t.match(first.stderr, /^setup: npm packages .* because there are none yet/)
  t.match(clone.calls(), [new RegExp(`${clone.root}: npm ci .*prefix=none`)])
  const started = performance.now()
  const second = await clone.run(['hello.ts'])
  const ms = performance.now() - started
  t.match(second, { code: 0, stderr: '' })
  t.equal(clone.calls().length, 1)
  t.ok(ms < 1_000, `${Math.round(ms)} ms with Node's own start`)
})

t.test('settings of an outer npm do not reach the inner one', async t => {
  const clone = makeClone(t)
  await clone.run(['hello.ts'], {
    env: { npm_config_prefix: '/elsewhere', npm_config_local_prefix: '/elsewhere' },
  })
  t.match(clone.calls(), [/prefix=none$/])
})

t.test('a changed lock file installs again and names what changed; an equal one does not', async t => {
  const clone = makeClone(t)
  await clone.run(['hello.ts'])
  clone.lock('2.0.0')
  const again = await clone.run(['hello.ts'])
  t.match(again.stderr, /because node_modules\/other changed in package-lock.json/)
  t.equal(clone.calls().length, 2)
  // What a person installed with npm install is taken as it is.
  clone.lock('3.0.0')
  copyFileSync(join(clone.root, 'package-lock.json'), join(clone.root, 'node_modules', '.package-lock.json'))
  t.match(await clone.run(['hello.ts']), { code: 0, stderr: '' })
  t.equal(clone.calls().length, 2)
})

t.test('an installation that was broken off is repeated', async t => {
  const clone = makeClone(t)
  mkdirSync(join(clone.root, 'node_modules', 'half'), { recursive: true })
  t.match((await clone.run(['hello.ts'])).stderr, /an earlier installation did not end/)
})

t.test('a Node 24 that does not run here is replaced', async t => {
  const clone = makeClone(t)
  await clone.run(['hello.ts'])
  const node = join(clone.root, 'node_modules', 'node', 'bin', 'node')
  rmSync(node)
  writeFileSync(node, 'not for this processor', { mode: 0o755 })
  t.match(await clone.run(['hello.ts']), { code: 0, stderr: /its Node 24 does not run here/ })
})

t.test('two first calls at once install once', async t => {
  const clone = makeClone(t)
  const both = await Promise.all([1, 2].map(() => clone.run(['hello.ts'], { env: { SLOW: '1' } })))
  t.same(
    both.map(({ code }) => code),
    [0, 0],
  )
  t.equal(clone.calls().length, 1)
})

t.test('a registry that fails once is asked again', async t => {
  const clone = makeClone(t)
  const ended = await clone.run(['hello.ts'], { env: { FAIL_ONCE: join(clone.bin, 'failed') } })
  t.equal(ended.code, 0)
  t.match(ended.stderr, /npm ci failed \(npm error code ECONNRESET\), trying once more/)
  t.equal(clone.calls().length, 2)
})

t.test('what cannot work is one line and an exit code', async t => {
  const clone = makeClone(t)
  const oneLine = (ended: Ended, code: number, line: RegExp) => {
    t.equal(ended.code, code)
    t.match(ended.stderr.trimEnd().split('\n').at(-1), line)
    t.equal(ended.stderr.split('\n').filter(text => text.startsWith('hawser: ')).length, 1, ended.stderr)
  }
  oneLine(await clone.run([]), 64, /^hawser: with-node.sh needs a script/)
  oneLine(await clone.run(['missing.ts']), 64, /^hawser: there is no script .*missing.ts/)
  oneLine(
    await clone.run(['hello.ts'], { env: { FAIL: '1' } }),
    75,
    /^hawser: npm ci failed \(npm error code ENOTFOUND\); see .*npm-ci.log/,
  )
  rmSync(join(clone.bin, 'npm'))
  oneLine(
    await clone.run(['hello.ts'], { env: { PATH: pathWithout(clone, 'npm') } }),
    75,
    /^hawser: npm is needed/,
  )
  rmSync(join(clone.bin, 'node'))
  oneLine(
    await clone.run(['hello.ts'], { env: { PATH: pathWithout(clone, 'node') } }),
    75,
    /^hawser: Node.js 20 or newer is needed to/,
  )
  writeFileSync(join(clone.bin, 'npm'), NPM, { mode: 0o755 })
  writeFileSync(join(clone.bin, 'node'), '#!/bin/sh\necho v18.20.4\n', { mode: 0o755 })
  oneLine(await clone.run(['hello.ts']), 75, /^hawser: Node.js 20 or newer is needed, .* is v18.20.4/)
})

/** Only the programs that with-node.sh uses, from this machine. */
function pathWithout(clone: Clone, missing: string): string {
  const dir = join(dirname(clone.bin), `path without ${missing}`)
  mkdirSync(dir)
  for (const name of ['bash', 'sha256sum', 'flock', 'mkdir', 'grep', 'dirname', 'cat', 'uname', 'timeout']) {
    symlinkSync(join('/usr/bin', name), join(dir, name))
  }
  return `${clone.bin}:${dir}`
}
