/** The Vagrantfile is valid Ruby, and asks for three machines with a disk, two networks and the provisioning script. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { ROOT } from './repository.ts'

const RUBY = '/usr/bin/ruby'
const withRuby = { skip: existsSync(RUBY) ? false : 'ruby is not installed (npm test installs it as root)' }

const Call = z.object({
  word: z.string(),
  args: z.array(z.unknown()),
  options: z.record(z.string(), z.unknown()),
})
const Evaluated = z.object({
  calls: z.array(Call),
  machines: z.record(z.string(), z.object({ calls: z.array(Call), settings: z.array(Call) })),
})
type Calls = readonly z.infer<typeof Call>[]

/** A copy, because evaluating it makes a key beside it. */
function evaluate(t: Test, provider: string, env: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'hawser-vagrant-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  copyFileSync(join(ROOT, 'Vagrantfile'), join(dir, 'Vagrantfile'))
  const stub = join(import.meta.dirname, 'vagrant-stub.rb')
  const output = execFileSync(RUBY, [stub, join(dir, 'Vagrantfile'), provider], {
    env: { PATH: '/usr/bin:/bin', ...env },
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return Evaluated.parse(JSON.parse(output.toString()))
}

function optionsOf(calls: Calls, word: string): readonly Record<string, unknown>[] {
  return calls.filter(call => call.word === word).map(call => call.options)
}

t.test('its syntax', withRuby, async t => {
  const output = execFileSync(RUBY, ['-wc', join(ROOT, 'Vagrantfile')], { timeout: 20_000 })
  t.equal(output.toString().trim(), 'Syntax OK')
})

for (const provider of ['libvirt', 'virtualbox']) {
  t.test(`three machines under ${provider}`, withRuby, async t => {
    const { calls, machines } = evaluate(t, provider)
    t.same(Object.keys(machines), ['n1', 'n2', 'n3'])
    t.same(calls.find(({ word }) => word === 'box')?.args, ['debian/bookworm64'])
    t.ok(calls.some(({ word, args }) => word === 'synced_folder' && args[1] === '/opt/hawser'))
    const addresses = new Set<unknown>()
    for (const [name, { calls, settings }] of Object.entries(machines)) {
      t.same(calls.find(({ word }) => word === 'hostname')?.args, [name])
      const networks = optionsOf(calls, 'network').map(options => options['ip'])
      t.equal(networks.length, 2, 'beats and replication are apart')
      for (const address of networks) addresses.add(address)
      const [provision] = optionsOf(calls, 'provision')
      const script = String(provision?.['path'])
      t.ok(existsSync(join(ROOT, script)), `${script} is there`)
      t.same(provision?.['args'], ['packages', 'modules', 'storage', 'resource', 'agent'])
      const env = provision?.['env'] as Record<string, string>
      t.equal(env['HAWSER_NODE'], name)
      t.match(env['HAWSER_NODES'], `${name}=${networks.join(',')}`, 'the script is told its own addresses')
      t.match(env['HAWSER_KEY'], /^[0-9a-f]{64}$/)
      const disks = [...optionsOf(calls, 'disk'), ...optionsOf(settings, 'storage')]
      t.equal(disks.length, 1, 'one disk for LVM')
    }
    t.equal(addresses.size, 6, 'no address twice')
  })
}

t.test('the number of machines may be chosen, within limits', withRuby, async t => {
  t.equal(Object.keys(evaluate(t, 'libvirt', { HAWSER_NODES: '5' }).machines).length, 5)
  t.throws(() => evaluate(t, 'libvirt', { HAWSER_NODES: '2' }), /HAWSER_NODES must be 3 to 9/)
})
