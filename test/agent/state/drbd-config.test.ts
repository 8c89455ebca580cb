/** The configuration as kernels of both families tell it. */
import t from 'tap'
import { toConfig } from '../../../agent/state/drbd-config.ts'
import { type DrbdMessage, readDrbdMessage } from '../../../agent/wire/drbd-message.ts'
import { readNlMessages } from '../../../agent/wire/nlmsg.ts'
import { dump84, dumpOf } from '../../golden/recordings.ts'

const messages = (datagrams: readonly Uint8Array[] = []): DrbdMessage[] =>
  datagrams
    .flatMap(readNlMessages)
    .filter(({ type }) => type > 16)
    .map(readDrbdMessage)

function config84(state: string, node: string) {
  const { answers } = dump84(state, node)
  return toConfig(
    messages(answers.get('GET_RESOURCES')),
    messages(answers.get('GET_DEVICES')),
    messages(answers.get('GET_CONNECTIONS')),
  )
}

t.test('8.4: the policy is with the disk, the addresses with the connection', t => {
  t.match(config84('05-uptodate', 'n1'), {
    resources: [{ resource: 'r0', options: { on_no_data: 0 } }],
    devices: [{ resource: 'r0', volume: 0, fencing: 'resource-and-stonith' }],
    connections: [
      { resource: 'r0', peerNodeId: -1, localAddress: '10.98.0.11:7789', peerAddress: '10.98.0.12:7789' },
    ],
  })
  t.match(
    config84('14-diskless-primary', 'n2').devices,
    [{ volume: 0, fencing: 'unknown' }],
    'no disk, no policy',
  )
  t.same(config84('16-split-brain', 'n1').connections, [], 'what stands alone is not told')
  t.same(
    config84('19-two-resources', 'n1').devices.map(
      ({ resource, volume, fencing }) => `${resource}/${volume} ${fencing}`,
    ),
    ['r0/0 resource-and-stonith', 'r1/0 dont-care', 'r1/7 dont-care'],
  )
  t.end()
})

t.test('9.x: the policy is with the connection, so are the paths; the resource has its quorum', t => {
  const part = (section: string): DrbdMessage[] =>
    messages(dumpOf('drbd-9/9.3.3/12-quorum-lost-suspend-io-regained/n1.dumps-start.txt', section))
  const config = toConfig(part('resources'), part('devices'), part('connections'))
  t.match(config.resources, [
    { resource: 'pvc-demo', options: { quorum: 1024, on_no_quorum: 1, node_id: 0, auto_promote: true } },
  ])
  const connections = [...config.connections].sort((a, b) => a.peerNodeId - b.peerNodeId)
  t.match(connections, [
    { peerNodeId: 1, fencing: 'dont-care', localAddress: '10.77.0.1:7000', peerAddress: '10.77.0.2:7000' },
    { peerNodeId: 2, fencing: 'dont-care', localAddress: '10.77.0.1:7000', peerAddress: '10.77.0.3:7000' },
  ])
  t.end()
})
