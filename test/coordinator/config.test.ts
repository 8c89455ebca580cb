import t from 'tap'
import { parseConfig, USAGE } from '../../coordinator/config.ts'

/** As a pattern of `t.throws`, whose types know only plain errors. */
const refusal = (fields: Readonly<Record<string, string>> = {}): Error =>
  ({ code: 'ARGUMENT_INVALID', fields }) as unknown as Error

const POD = {
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '6443',
  POD_NAME: 'hawser-coordinator-abc',
}

t.test('in a pod nothing has to be said', async t => {
  t.match(parseConfig([], POD), {
    session: { kind: 'in-cluster', host: '10.96.0.1', port: '6443' },
    listen: { host: '0.0.0.0', port: 8081 },
    identity: 'hawser-coordinator-abc',
    lease: { durationMs: 15_000, holdMs: 10_000, everyMs: 3_000 },
    members: { minimum: 3, settleMs: 20_000 },
    statusApartMs: 1_000,
    logLevel: 'info',
  })
})

t.test('arguments, and the environment behind them', async t => {
  const said = parseConfig(
    ['--server', 'https://x:1', '--token-file', 't', '--ca', 'c', '--listen', '[::]:0'],
    POD,
  )
  t.match(said, {
    session: { kind: 'plain', server: 'https://x:1', tokenFile: 't', caFile: 'c' },
    listen: { host: '::', port: 0 },
  })
  t.match(parseConfig(['--kubeconfig', 'k'], {}), { session: { kind: 'kubeconfig', file: 'k' } })
  t.match(parseConfig([], { ...POD, HAWSER_MEMBERS_MINIMUM: '5', HAWSER_LOG_LEVEL: 'debug' }), {
    members: { minimum: 5 },
    logLevel: 'debug',
  })
  t.match(
    parseConfig(['--members-minimum', '7'], { ...POD, HAWSER_MEMBERS_MINIMUM: '5' }),
    { members: { minimum: 7 } },
    'an argument wins',
  )
  t.equal(parseConfig(['--help'], {}), 'help')
})

t.test('each refusal names its argument', async t => {
  const table: [string[], string][] = [
    [['--members-minimum', '0'], '--members-minimum'],
    [['--members-minimum', '3.5'], '--members-minimum'],
    [['--members-settle-ms', 'soon'], '--members-settle-ms'],
    [['--listen', '8081'], '--listen'],
    [['--listen', 'localhost:8081'], '--listen'],
    [['--listen', '0.0.0.0:99999'], '--listen'],
    [['--identity', 'with space'], '--identity'],
    [['--log-level', 'loud'], '--log-level'],
    [['--server', 'x'], '--server'],
    [['--server', 'https://x', '--kubeconfig', 'k'], '--kubeconfig'],
    [['--token-file', 't'], '--server'],
    [['--lease-duration-ms', '10000'], '--lease-duration-ms'],
    [['--lease-every-ms', '6000'], '--lease-every-ms'],
  ]
  for (const [argv, argument] of table)
    t.throws(() => parseConfig(argv, POD), refusal({ argument }), argv.join(' '))
  t.throws(() => parseConfig([], {}), refusal({ argument: '--server' }), 'outside of a pod')
  t.throws(() => parseConfig(['--unknown'], POD), refusal())
  t.throws(() => parseConfig(['word'], POD), refusal())
})

t.test('every argument stands in the help, within 80 columns of text', async t => {
  for (const name of [
    'kubeconfig',
    'server',
    'token-file',
    'ca',
    'listen',
    'identity',
    'lease-duration-ms',
    'lease-hold-ms',
    'lease-every-ms',
    'members-minimum',
    'members-settle-ms',
    'status-apart-ms',
    'log-level',
    'help',
  ])
    t.match(USAGE, `--${name}`)
  t.ok(USAGE.split('\n').every(line => line.length <= 110))
})
