/** The lab's commands, from a checkout under the temporary folder whose path has a space. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { whyNoLab } from './requirements.ts'
import { tryRun } from './run.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 'hawser lab '))
const state = mkdtempSync('/var/tmp/hawser-lab-test-')
for (const part of ['package.json', 'agent/kit', 'test/lab']) {
  cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true })
}
const app = path.join(folder, 'my app')
mkdirSync(app)
writeFileSync(path.join(app, 'word'), 'from the host\n')
const skip = whyNoLab() ?? false

async function lab(...args: readonly string[]) {
  const argv = [process.execPath, path.join(folder, 'test/lab/cli.ts'), ...args] as const
  return await tryRun([...argv], { deadlineMs: 120_000, env: { HAWSER_LAB_STATE: state, NODE_OPTIONS: '' } })
}

t.setTimeout(180_000)
t.teardown(async () => {
  await lab('down')
  rmSync(folder, { recursive: true, force: true })
  rmSync(state, { recursive: true, force: true })
})

t.test('wrong words get one line and status 64', async t => {
  t.match(await lab(), { status: 64, stdout: /cut-link NODE NODE/ })
  t.match(await lab('up', '12'), { status: 64, stderr: /^ARGUMENT_INVALID: a lab has 1 to 9 nodes.*\n$/ })
  t.match(await lab('up', '--what'), { status: 64 })
  t.match(await lab('ps'), { status: 1, stderr: /no lab is up; start one with up/ })
})

t.test('up, a command, a cut cable, a program of this machine, down', { skip }, async t => {
  const up = await lab('up', '2', '--disks', '1', '--app', app)
  t.equal(up.status, 0, up.stderr)
  t.match(await lab('up', '1'), { status: 1, stderr: /is up already/ })
  t.match(await lab('exec', 'n1', 'cat /app/word; node --version >&2; exit 3'), {
    status: 3,
    stdout: 'from the host\n',
    stderr: `${process.version}\n`,
  })
  const ping = ['exec', 'n1', 'ping -c 1 -W 1 10.98.0.12 >/dev/null'] as const
  t.equal((await lab(...ping)).status, 0)
  t.equal((await lab('cut', 'n2', 'repl')).status, 0)
  t.equal((await lab(...ping)).status, 1)
  t.equal((await lab('heal', 'n2', 'repl')).status, 0)
  t.equal((await lab(...ping)).status, 0)
  t.equal((await lab('in-net', 'ping', '-c', '1', '-W', '1', '10.99.0.11')).status, 0)
  t.match(await lab('ps'), { stdout: /^n1: up, boot [0-9a-f-]+, memory \d+ MiB, CPU [\d.]+ s\nn2: up/ })
  t.match(await lab('cut', 'n2', 'ctl'), { status: 64, stderr: /mgmt or repl/ })
  t.equal((await lab('power-cut', 'n2')).status, 0)
  t.match(await lab('ps'), { stdout: /n2: off/ })
  t.equal((await lab('down')).status, 0)
  t.match(await lab('ps'), { status: 1 })
  t.notOk(existsSync(path.join(state, 'lab.sock')))
  t.strictSame(
    readdirSync(state).filter(name => name === 'lab.owner'),
    [],
  )
})
