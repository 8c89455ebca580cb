import t from 'tap'
import { AppError } from '#kit/errors.ts'
import { parseConfig } from '../../agent/config.ts'

const refusal = (argv: string[], env = {}): string => {
  try {
    parseConfig(argv, env)
  } catch (error) {
    return error instanceof AppError && error.code === 'ARGUMENT_INVALID'
      ? error.message
      : `unexpected ${String(error)}`
  }
  return 'accepted'
}

t.test('the node name comes from the argument, else from the environment', async t => {
  t.match(parseConfig(['--node', 'n1'], { NODE_NAME: 'n2' }), { node: 'n1' })
  t.match(parseConfig([], { NODE_NAME: 'n2' }), { node: 'n2' })
  t.match(refusal([]), /--node: "" is not a Kubernetes node name/)
  t.match(refusal(['--node', 'N_1']), /is not a Kubernetes node name/)
})

t.test('what it does not understand is refused by name', async t => {
  t.match(refusal(['--nod', 'n1']), /--nod/)
  t.match(refusal(['--node', 'n1', 'extra']), /extra/)
  t.match(
    refusal(['--node', 'n1', '--lease-ms', '3s']),
    /--lease-ms: "3s" is not a whole number from 500 to 600000/,
  )
  t.match(refusal(['--node', 'n1', '--log-level', 'loud']), /--log-level: "loud" is none of/)
  t.match(refusal(['--node', 'n1', '--api', 'not a url']), /--api/)
  t.match(refusal(['--node', 'n1', '--socket', `/${'x'.repeat(107)}`]), /at most 107 bytes/)
})

t.test('figures that contradict each other are refused', async t => {
  t.match(refusal(['--node', 'n1', '--watchdog-ms', '5500']), /whole seconds/)
  t.match(
    refusal(['--node', 'n1', '--beat-ms', '1001', '--lease-ms', '3000', '--suspect-ms', '5000']),
    /three beats/,
  )
  t.match(refusal(['--node', 'n1', '--beat-ms', '500', '--suspect-ms', '900']), /at least two beats/)
})

t.test('in a pod the API server is found by itself; "none" and "off" switch off', async t => {
  t.match(
    parseConfig(['--node', 'n1'], { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' }),
    {
      api: { url: 'https://10.0.0.1:6443', tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
    },
  )
  t.match(parseConfig(['--node', 'n1'], { KUBERNETES_SERVICE_HOST: 'fd00::1' }), {
    api: { url: 'https://[fd00::1]:443' },
  })
  t.equal(parseConfigured(['--api', 'none'], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).api, undefined)
  t.equal(parseConfigured(['--watchdog', 'off']).watchdog, undefined)
  t.equal(parseConfigured([]).watchdog, '/dev/watchdog')
  t.equal(parseConfig(['--help'], {}), 'help')
})

function parseConfigured(argv: string[], env = {}) {
  const config = parseConfig(['--node', 'n1', ...argv], env)
  if (config === 'help') throw new Error('help')
  return config
}
