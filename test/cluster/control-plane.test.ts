/** The control plane on loopback: it serves, its API server goes and comes back, and nothing of it survives. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findBinary } from './binary.ts'
import { openControlPlane } from './control-plane.ts'
import { until } from './until.ts'

t.test('a control plane on loopback', { timeout: 180_000 }, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-cp-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const kubehost = await findBinary(line => t.comment(line), signal)
  const plane = await openControlPlane({ kubehost, dir }, signal)
  const get = async (args: string[]) => (await plane.kubectl(args)).stdout.trim()

  await t.test('answers with its version', async t => {
    const version = JSON.parse(await get(['version', '-o', 'json']))
    t.equal(version.serverVersion.gitVersion, 'v1.34.4')
  })
  await t.test('its controllers and its scheduler work', async t => {
    const made = await plane.kubectl(['create', 'deployment', 'sleeper', '--image=test.local/none:1'])
    t.equal(made.status, 0, made.stderr)
    const args = ['get', 'pods', '-lapp=sleeper', '-o', 'jsonpath={.items[0].status.conditions[0].reason}']
    const reason = () => get(args).then(text => text || undefined)
    t.equal(
      await until('a scheduler that looked at the pod', reason, { signal, deadlineMs: 30_000 }),
      'Unschedulable',
    )
  })
  await t.test('the API server goes away and comes back with its objects', async t => {
    await plane.stop('apiserver')
    t.not((await plane.kubectl(['get', '--raw', '/readyz'])).status, 0)
    await plane.start('apiserver')
    t.equal(await get(['get', 'deployment', 'sleeper', '-o', 'jsonpath={.metadata.name}']), 'sleeper')
  })
  await t.test('ends', async t => {
    await plane[Symbol.asyncDispose]()
    t.not((await plane.kubectl(['get', '--raw', '/readyz', '--request-timeout=2s'])).status, 0)
  })
})

t.test(
  'a control plane does not outlive the process that opened it, not even after SIGKILL',
  { timeout: 120_000 },
  async t => {
    const dir = await mkdtemp(join(tmpdir(), 'hawser-cp-'))
    t.teardown(() => rm(dir, { recursive: true, force: true }))
    const { signal } = new AbortController()
    const kubehost = await findBinary(line => t.comment(line), signal)
    const script = `
    const { openControlPlane } = await import(${JSON.stringify(join(import.meta.dirname, 'control-plane.ts'))})
    await openControlPlane(${JSON.stringify({ kubehost, dir })}, new AbortController().signal)
    console.log('up')`
    const opener = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(opener.stdout, 'data')
    t.equal(processesWith(dir).length, 4, 'etcd and three more run')
    opener.kill('SIGKILL')
    const gone = async () => processesWith(dir).length === 0 || undefined
    t.ok(await until('nothing of it runs', gone, { signal, deadlineMs: 5000 }))
  },
)

/** Processes that work in this folder. */
function processesWith(dir: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter(pid => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === dir
    } catch {
      return false
    }
  })
}
