/** The rule of drbd-utils, case by case; the recordings hold it as a whole (state/drbd-9.test.ts). */
import t from 'tap'
import { resourceName } from '#kit/brand.ts'
import { mayPromote } from '../../../agent/decide/may-promote.ts'
import type { Connection, Device, DiskState, Resource, Role } from '../../../agent/state/drbd-model.ts'

const device = (volume: number, disk: DiskState, hasQuorum = true): Device => ({
  volume,
  minor: volume,
  disk,
  client: false,
  hasQuorum,
  isOpen: false,
  fencing: 'unknown',
  sizeBytes: undefined,
})
const peer = (
  peerNodeId: number,
  disks: readonly DiskState[],
  peerRole: Role = 'Secondary',
  peerStable = true,
): Connection => ({
  peerNodeId,
  connName: `n${peerNodeId}`,
  state: 'Connected',
  peerRole,
  localAddress: undefined,
  peerAddress: undefined,
  fencing: 'unknown',
  peerDevices: new Map(
    disks.map((peerDisk, volume) => [
      volume,
      { volume, replication: 'Established', peerDisk, outOfSyncBytes: 0, peerStable },
    ]),
  ),
})
const resource = (
  devices: readonly Device[],
  peers: readonly Connection[],
  more: Partial<Resource> = {},
): Resource => ({
  name: resourceName('r'),
  role: 'Secondary',
  suspended: { user: false, noData: false, fencing: false, quorum: false },
  failIo: false,
  devices: new Map(devices.map(each => [each.volume, each])),
  connections: new Map(peers.map(each => [each.peerNodeId, each])),
  ...more,
})

t.test('the rule', t => {
  const both = [device(0, 'UpToDate')]
  const cases: readonly [string, Resource, string][] = [
    ['disk, two replicas', resource(both, [peer(1, ['UpToDate']), peer(2, ['Diskless'])]), 'yes 10102'],
    ['no device', resource([], []), 'no 0'],
    ['all I/O fails', resource(both, [], { failIo: true }), 'no 0'],
    [
      'one volume without quorum',
      resource([device(0, 'UpToDate'), device(1, 'UpToDate', false)], []),
      'no 0',
    ],
    ['alone and current', resource(both, []), 'yes 10101'],
    ['alone and Consistent', resource([device(0, 'Consistent')], []), 'no 0'],
    [
      'diskless with two current peers',
      resource([device(0, 'Diskless')], [peer(1, ['UpToDate']), peer(2, ['UpToDate'])]),
      'yes 2',
    ],
    [
      'diskless with an unstable peer',
      resource([device(0, 'Diskless')], [peer(1, ['UpToDate'], 'Secondary', false)]),
      'no 1',
    ],
    ['own disk Inconsistent', resource([device(0, 'Inconsistent')], [peer(1, ['UpToDate'])]), 'yes 10001'],
    ['already Primary here', resource(both, [], { role: 'Primary' }), 'no 10101'],
    ['Primary there', resource(both, [peer(1, ['UpToDate'], 'Primary')]), 'no 10102'],
    [
      'two volumes, the poorer one counts',
      resource([device(0, 'UpToDate'), device(1, 'UpToDate')], [peer(1, ['UpToDate', 'Outdated'])]),
      'yes 10201',
    ],
    ['two volumes, one nowhere', resource([device(0, 'UpToDate'), device(1, 'Outdated')], []), 'no 0'],
    ['Outdated here, current there', resource([device(0, 'Outdated')], [peer(1, ['UpToDate'])]), 'yes 1'],
  ]
  for (const [name, given, wanted] of cases) {
    const { may, score } = mayPromote(given)
    t.equal(`${may ? 'yes' : 'no'} ${score}`, wanted, name)
  }
  t.end()
})
