/** The cache: made once, whole or not at all, also by two at the same time. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { cached, cacheRoot, hashOf, pruneCache } from '../cache.ts'

const { signal } = new AbortController()
const home = await mkdtemp(join(tmpdir(), 'hawser-cache-'))
process.env['XDG_CACHE_HOME'] = home
t.teardown(() => rm(home, { recursive: true, force: true }))

t.test('two that want the same thing make it once', async t => {
  let made = 0
  const make = async (dir: string) => {
    made++
    await sleep(100)
    await writeFile(join(dir, 'thing'), 'x')
  }
  const [a, b] = await Promise.all([cached('thing-1', make, signal), cached('thing-1', make, signal)])
  t.equal(a, b)
  t.equal(made, 1)
  t.ok(existsSync(join(a, 'thing')))
})

t.test('what could not be made leaves nothing under its name', async t => {
  await t.rejects(
    cached('broken-1', () => Promise.reject(new Error('no')), signal),
    /no/,
  )
  t.notOk(existsSync(join(cacheRoot(), 'broken-1')))
  t.notOk(readdirSync(cacheRoot()).some(name => name.startsWith('broken-1.tmp')))
  await cached('broken-1', dir => writeFile(join(dir, 'x'), ''), signal)
  t.ok(existsSync(join(cacheRoot(), 'broken-1')), 'and can be made the next time')
})

t.test('only the newest are kept', async t => {
  for (const [index, name] of ['old-a', 'old-b', 'old-c'].entries()) {
    const dir = await cached(name, () => Promise.resolve(), signal)
    await utimes(dir, 1000 + index, 1000 + index)
  }
  await pruneCache('old-', 2)
  t.same(
    readdirSync(cacheRoot())
      .filter(name => /^old-.$/.test(name))
      .sort(),
    ['old-b', 'old-c'],
  )
})

t.test('the hash tells parts apart', t => {
  t.not(hashOf(['ab', 'c']), hashOf(['a', 'bc']))
  t.equal(hashOf(['ab', 'c']), hashOf([Buffer.from('ab'), 'c']))
  t.end()
})
