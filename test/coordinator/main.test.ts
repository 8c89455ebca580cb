/** The process: exit codes and what it says, started as it will be. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../cluster/until.ts'
import { openApiServer } from '../fakes/api-server.ts'

const MAIN = join(import.meta.dirname, '../../coordinator/main.ts')
const { signal: never } = new AbortController()

async function run(
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { timeout: 20_000, env: {} },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

t.test('what ends it before it starts', async t => {
  const help = await run(['--help'])
  t.equal(help.code, 0)
  t.match(help.out, /^hawser-coordinator/)
  const wrong = await run(['--server', 'http://x', '--listen', 'here'])
  t.equal(wrong.code, 64)
  t.match(wrong.err, /^hawser-coordinator: ARGUMENT_INVALID: an argument is wrong \(argument=--listen/)
  t.equal(wrong.err.trim().split('\n').length, 1, 'one line')
  const unreadable = await run(['--kubeconfig', '/nowhere'])
  t.equal(unreadable.code, 64)
  t.match(unreadable.err, /CONFIG_INVALID/)
})

t.test('a port that is taken: try again later', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const { code, err } = await run(['--server', 'http://127.0.0.1:1', '--listen', `127.0.0.1:${port}`])
  t.equal(code, 75)
  t.match(err, /PORT_BUSY/)
})

t.test('SIGTERM: it gives its Lease back and ends with 0, also when the API server is not there', async t => {
  const server = await openApiServer({}, never)
  t.teardown(() => server[Symbol.asyncDispose]())
  await fetch(`${server.url}/api/v1/namespaces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'hawser' } }),
  })
  for (const url of [server.url, 'http://127.0.0.1:1']) {
    const child = spawn(process.execPath, [MAIN, '--server', url, '--listen', '127.0.0.1:0'], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      said += text
    })
    const mark = url === server.url ? '"msg":"leading"' : '"msg":"could not look at the Lease"'
    await until(mark, async () => (said.includes(mark) ? true : undefined), {
      signal: never,
      deadlineMs: 20_000,
    })
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    t.equal(code, 0, said)
    t.match(said, /"msg":"stopped"/)
  }
  const lease = await fetch(
    `${server.url}/apis/coordination.k8s.io/v1/namespaces/hawser/leases/hawser-coordinator`,
  )
  t.match(await lease.json(), { spec: { holderIdentity: '' } })
})
