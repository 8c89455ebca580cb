/** DRBD's fence-peer handler as the kernel starts it: almost empty environment, only the agent's socket. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openStatusServer, type Route } from '../../../agent/serve/status-server.ts'
import { compileStatic } from '../../../deploy/images/layers.ts'

const dir = mkdtempSync(join(tmpdir(), 'hawser-fence-'))
const program = join(dir, 'fence-peer')
const socket = join(dir, 'agent.sock')
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
writeFileSync(
  program,
  await compileStatic(
    join(import.meta.dirname, '../../../native/programs/fence-peer.c'),
    new AbortController().signal,
  ),
  { mode: 0o755 },
)

function ask(env: Record<string, string>): Promise<number | null> {
  return new Promise(resolve => {
    spawn(program, [socket], { env, stdio: 'ignore' }).on('exit', resolve)
  })
}

async function served(
  route: Route,
  env: Record<string, string> = { DRBD_RESOURCE: 'r0' },
): Promise<number | null> {
  await using _server = await openStatusServer(socket, { 'POST /v1/fence-peer': route })
  return await ask(env)
}

t.test('the three proofs are passed on; every other word is no proof', async t => {
  for (const [exit, wanted] of [
    [4, 4],
    [5, 5],
    [7, 7],
    [1, 1],
    [3, 1],
    [6, 1],
    [99, 1],
    [-1, 1],
  ] as const)
    t.equal(await served(() => ({ status: 200, body: { exit, because: 'x' } })), wanted, `exit ${exit}`)
})

t.test('"wait" and trouble of the agent are asked again', async t => {
  let asked = 0
  const code = await served(() => {
    asked += 1
    if (asked === 1) return { status: 200, body: { exit: 0 } }
    if (asked === 2) throw new Error('fault')
    if (asked === 3) return { status: 503, body: {} }
    return { status: 200, body: { exit: 7 } }
  })
  t.equal(code, 7)
  t.equal(asked, 4)
})

t.test('an agent that comes back is found', async t => {
  const code = ask({ DRBD_RESOURCE: 'r0' })
  await new Promise(resolve => setTimeout(resolve, 500))
  await using _server = await openStatusServer(socket, {
    'POST /v1/fence-peer': () => ({ status: 200, body: { exit: 4 } }),
  })
  t.equal(await code, 4)
})

t.test('every legal name arrives as it is; none at all is no proof', async t => {
  const names = ['r0', 'a"b\\c', 'x'.repeat(127), 'ü-größe']
  for (const name of names) {
    let got: unknown
    await served(
      body => {
        got = (body as { resource: unknown }).resource
        return { status: 200, body: { exit: 4 } }
      },
      { DRBD_RESOURCE: name },
    )
    t.equal(got, name)
  }
  t.equal(await ask({}), 1)
})
