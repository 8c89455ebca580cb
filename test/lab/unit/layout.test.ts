/** Names, addresses, options and the kernel's command line. */
import t from 'tap'
import { parseSize } from '../disks.ts'
import { netemWords } from '../faults-net.ts'
import { quote } from '../guest-files.ts'
import { kernelCommandLine } from '../guest-process.ts'
import { diskDevice, labNode, macAddress, nodeAddress, nodesUpTo } from '../layout.ts'
import { labConfig } from '../options.ts'
import { missingPackages } from '../requirements.ts'
import { tryRun } from '../run.ts'

t.test('nodes', async t => {
  t.strictSame(nodesUpTo(3), ['n1', 'n2', 'n3'])
  t.equal(nodeAddress('n4', 'repl'), '10.98.0.14')
  t.equal(macAddress('n4', 'ctl'), '02:00:00:02:00:04')
  for (const bad of ['n0', 'n10', 'm1', '']) t.throws(() => labNode(bad), { code: 'ARGUMENT_INVALID' })
  t.equal(diskDevice(2), '/dev/ubdc')
})

t.test('options are refused with a word', async t => {
  t.match(labConfig({}), { nodes: 3, memory: String(256 << 20), disks: 2, rebootOnReset: true, mounts: {} })
  t.strictSame(labConfig({ app: '/x', mounts: { '/y': '/z' } }).mounts, { '/y': '/z', '/app': '/x' })
  for (const bad of [
    { nodes: 0 },
    { nodes: 10 },
    { disks: 8 },
    { disks: 7, images: ['x'] },
    { memory: 'much' },
    { diskSize: '1X' },
  ]) {
    t.throws(() => labConfig(bad), { code: 'ARGUMENT_INVALID' }, JSON.stringify(bad))
  }
  t.equal(parseSize('2G'), 2 ** 31)
  t.equal(parseSize('17'), 17)
})

t.test('the kernel’s command line', async t => {
  const spec = {
    ...({
      node: 'n2',
      memory: '268435456',
      guestDir: '/s/guest',
      resetProgram: '/s/reset',
      umlDir: '/s/n2/uml',
    } as const),
    ...{
      consoleLog: '/s/n2/console.log',
      disks: new Map([
        [0, '/s/n2/disk0'],
        [7, '/s/n2/disk7'],
      ]),
      kernelArgs: ['loglevel=7'],
    },
  }
  const line = kernelCommandLine(spec)
  for (const word of [
    'ubd7=/s/n2/disk7',
    'lab_node=n2',
    'loglevel=7',
    'vec1:transport=tap,ifname=repl-n2,depth=128,gro=1,mac=02:00:00:01:00:02',
  ]) {
    t.ok(line.includes(word), word)
  }
  t.throws(() => kernelCommandLine({ ...spec, umlDir: '/with space' }), { code: 'LAB_FAILED' })
})

t.test('netem', async t => {
  t.equal(netemWords({ delayMs: 50, jitterMs: 5, lossPercent: 1 }), 'limit 10000 delay 50ms 5ms loss 1%')
  t.throws(() => netemWords({ reorderPercent: 25 }), { code: 'ARGUMENT_INVALID' })
})

t.test('settings survive the shell', async t => {
  for (const text of ["it's", '$(x) "y" `z`', 'a\nb']) {
    const { stdout } = await tryRun(['sh', '-c', `printf %s ${quote(text)}`])
    t.equal(stdout, text)
  }
})

t.test('what is missing is named by package, once', async t => {
  t.strictSame(missingPackages({ 'no-such-tool': 'pack', 'no-such-other': 'pack', sh: 'dash' }), ['pack'])
})
