import t from 'tap'
import type { Report, VolumeReport } from '#protocol/report.ts'
import { ClusterStatusSchema } from '../../../coordinator/model/cluster-schema.ts'
import { type ClusterSeen, clusterStatus } from '../../../coordinator/model/cluster-status.ts'
import { SILENT_MS } from '../../../coordinator/model/report-age.ts'
import { members, NAMES, node, pair, report, seen, WALL } from './reports.ts'

const { primary, secondary } = pair()
const SOUND: ClusterSeen = {
  nodes: NAMES.map(name => node(name)),
  reports: [
    seen(report('n1', { volumes: [primary] })),
    seen(report('n2', { volumes: [secondary] })),
    seen(report('n3')),
  ],
  members: members(),
  conditionsBefore: [],
  wallText: WALL,
}

/** SOUND, with the report of one node changed. */
function with_(name: string, more: Partial<Report>, ageMs = 1_000): ClusterSeen {
  return {
    ...SOUND,
    reports: SOUND.reports.map(one =>
      one.node === name && one.read.kind === 'read' ? seen({ ...one.read.report, ...more }, ageMs) : one,
    ),
  }
}

const condition = (cluster: ClusterSeen, type: string) => {
  const found = clusterStatus(cluster).conditions.find(one => one.type === type)
  return [found?.status, found?.reason]
}
const nodeOf = (cluster: ClusterSeen, name: string) =>
  clusterStatus(cluster).nodes.find(one => one.node === name)
const codes = (cluster: ClusterSeen, name: string) => nodeOf(cluster, name)?.reasons.map(({ code }) => code)

t.test('a sound cluster', async t => {
  const status = clusterStatus(SOUND)
  t.match(status, { ready: '3/3', volumesHealthy: '1/1', nodesReady: 3, nodesTotal: 3, volumesLeftOff: 0 })
  t.match(status.volumes, [{ resource: 'r0', state: 'healthy', primary: ['n1'], reasons: [] }])
  t.same(status.agentVersions, [{ version: '0.1.0', nodes: 3 }])
  t.same(
    status.conditions.map(({ type, status: is, lastTransitionTime }) => [type, is, lastTransitionTime]),
    ['Ready', 'NodesReady', 'VolumesHealthy', 'MembersMatch', 'AgentsAgree'].map(type => [
      type,
      'True',
      WALL,
    ]),
  )
  t.ok(ClusterStatusSchema.safeParse(status).success, 'it has the form of its schema')
})

t.test('what keeps a node from being ready', async t => {
  const table: [string, ClusterSeen, string, string][] = [
    [
      'Kubernetes says so',
      { ...SOUND, nodes: [node('n1'), node('n2'), node('n3', { ready: false })] },
      'n3',
      'KubernetesNotReady',
    ],
    ['no Node', { ...SOUND, nodes: [node('n1'), node('n2')] }, 'n3', 'NoNode'],
    ['no object', { ...SOUND, reports: SOUND.reports.slice(0, 2) }, 'n3', 'NoReport'],
    [
      'no status yet',
      { ...SOUND, reports: [...SOUND.reports.slice(0, 2), { node: 'n3', read: { kind: 'none' }, ageMs: 0 }] },
      'n3',
      'NoReport',
    ],
    [
      'unreadable',
      {
        ...SOUND,
        reports: [
          ...SOUND.reports.slice(0, 2),
          { node: 'n3', read: { kind: 'unreadable', where: 'x' }, ageMs: 0 },
        ],
      },
      'n3',
      'ReportUnreadable',
    ],
    ['silent', with_('n3', {}, SILENT_MS), 'n3', 'AgentSilent'],
    ['DRBD is read again', with_('n3', { drbd: { phase: 'resync' } }), 'n3', 'DrbdNotLive'],
    ['no module', with_('n3', { drbd: { phase: 'no module' } }), 'n3', 'DrbdNotLive'],
    ['not armed', with_('n3', { lease: { armed: false, held: true } }), 'n3', 'NotArmed'],
    ['no majority', with_('n3', { lease: { armed: true, held: false } }), 'n3', 'NoLease'],
    ['its own reason', with_('n3', { reasons: [{ code: 'DiskLost', text: 'x' }] }), 'n3', 'DiskLost'],
    ['volumes left off', with_('n3', { volumesLeftOff: 4 }), 'n3', 'VolumesLeftOff'],
    ['not a member', { ...SOUND, members: members(['n1', 'n2', 'n4']) }, 'n3', 'NotMember'],
    [
      'suspected by one',
      with_('n1', { members: [{ node: 'n3', state: 'suspected' }] }),
      'n3',
      'NodeSuspected',
    ],
    ['proven over', with_('n1', { members: [{ node: 'n3', state: 'lost' }] }), 'n3', 'NodeLost'],
  ]
  for (const [name, cluster, who, code] of table) {
    t.ok(codes(cluster, who)?.includes(code), `${name}: ${codes(cluster, who)}`)
    t.equal(nodeOf(cluster, who)?.ready, false, name)
    t.same(condition(cluster, 'NodesReady'), ['False', 'NodesNotReady'], name)
    t.equal(condition(cluster, 'Ready')[0], 'False', name)
  }
})

t.test('below three members nobody has to be armed, and it is said that no death can be proven', async t => {
  const two: ClusterSeen = {
    ...with_('n1', { lease: { armed: false, held: false } }),
    nodes: [node('n1'), node('n2')],
    members: members(['n1', 'n2']),
  }
  const cluster = { ...two, reports: two.reports.slice(0, 2) }
  t.same(codes(cluster, 'n1'), [])
  t.same(condition(cluster, 'MembersMatch'), ['False', 'TooFewMembers'])
})

t.test('members and nodes', async t => {
  t.same(
    condition({ ...SOUND, members: { kind: 'absent', waitsFor: { code: 'x', text: 'y' } } }, 'MembersMatch'),
    ['False', 'MembersUnknown'],
  )
  t.same(condition({ ...SOUND, members: { kind: 'unreadable', where: 'x' } }, 'MembersMatch'), [
    'False',
    'MembersUnreadable',
  ])
  t.same(condition({ ...SOUND, nodes: [...SOUND.nodes, node('n4')] }, 'MembersMatch'), [
    'False',
    'NodeNotMember',
  ])
  t.equal(clusterStatus({ ...SOUND, nodes: [...SOUND.nodes, node('n4')] }).ready, '3/4')
})

t.test('when a report is old', async t => {
  const cut = (name: string, by: readonly string[], state: 'suspected' | 'lost'): ClusterSeen => ({
    ...SOUND,
    reports: SOUND.reports.map(one => {
      if (one.read.kind !== 'read' || !by.includes(one.node)) return one
      return seen({
        ...one.read.report,
        members: one.read.report.members.map(word => (word.node === name ? { ...word, state } : word)),
      })
    }),
  })
  t.equal(
    nodeOf(cut('n1', ['n2'], 'suspected'), 'n1')?.reportOld,
    false,
    'one link is cut: it still speaks for itself',
  )
  t.equal(nodeOf(cut('n1', ['n2', 'n3'], 'suspected'), 'n1')?.reportOld, true, 'no peer hears it')
  t.equal(nodeOf(cut('n1', ['n2'], 'lost'), 'n1')?.reportOld, true, 'one proof is enough')
  const silent = with_('n1', {}, SILENT_MS)
  t.equal(nodeOf(silent, 'n1')?.reportedAt, WALL, 'an old one says from when it is')
  t.equal(nodeOf(SOUND, 'n1')?.reportedAt, undefined, 'a fresh one does not: it would change each minute')
  t.equal(nodeOf(silent, 'n1')?.armed, false, 'nothing of it counts as now')
  const dead = cut('n1', ['n2', 'n3'], 'suspected')
  t.match(clusterStatus(dead).volumes[0], {
    state: 'degraded',
    primary: [],
    copies: [
      { node: 'n1', role: 'Primary', old: true },
      { node: 'n2', role: 'Secondary', old: false },
    ],
  })
  const witness = with_('n2', { members: [{ node: 'n1', state: 'lost' }] }, SILENT_MS)
  t.equal(nodeOf(witness, 'n1')?.reportOld, false, 'the word of a silent witness does not count')
})

t.test('the state of a volume', async t => {
  const on = (first: Partial<VolumeReport>, second: Partial<VolumeReport> = {}): ClusterSeen => ({
    ...SOUND,
    reports: [
      seen(report('n1', { volumes: [{ ...primary, ...first }] })),
      seen(report('n2', { volumes: [{ ...secondary, ...second }] })),
      seen(report('n3')),
    ],
  })
  const disk = (word: string) => [{ volume: 0, minor: 0, disk: word }]
  const peer = { node: 'n2', connection: 'Connected', role: 'Secondary', disk: 'UpToDate' }
  const table: [string, ClusterSeen, string, string][] = [
    ['sound', on({}), 'healthy', 'True'],
    ['a disk that follows', on({}, { disks: disk('Inconsistent') }), 'degraded', 'False'],
    ['a disk that is gone', on({ disks: disk('Diskless') }), 'degraded', 'False'],
    [
      'a client without a disk, on purpose',
      on({ disks: [{ volume: 0, minor: 0, disk: 'Diskless', client: true }] }),
      'healthy',
      'True',
    ],
    [
      'no current copy',
      on({ disks: disk('Outdated') }, { disks: disk('Inconsistent') }),
      'no-current-copy',
      'False',
    ],
    [
      'a copy of one volume only is not a copy',
      on(
        { disks: [...disk('UpToDate'), { volume: 1, minor: 1, disk: 'Outdated' }] },
        { disks: disk('Outdated') },
      ),
      'no-current-copy',
      'False',
    ],
    ['no device', on({ disks: [] }), 'degraded', 'False'],
    ['no device anywhere', on({ disks: [] }, { disks: [] }), 'no-current-copy', 'False'],
    ['connection lost', on({ peers: [{ ...peer, connection: 'Connecting' }] }), 'degraded', 'False'],
    ['peer not current', on({ peers: [{ ...peer, disk: 'Outdated' }] }), 'degraded', 'False'],
    ['out of sync', on({ peers: [{ ...peer, outOfSyncBytes: 4096 }] }), 'degraded', 'False'],
    ['a peer that does not report it', on({ peers: [{ ...peer, node: 'n9' }] }), 'degraded', 'False'],
    ['I/O stands still', on({ suspended: ['fencing'] }), 'suspended', 'False'],
    ['two primaries', on({}, { role: 'Primary' }), 'degraded', 'False'],
    ['role unknown', on({}, { role: 'Unknown' }), 'degraded', 'False'],
    ['a reason of the agent', on({ reasons: [{ code: 'Unproven', text: 'x' }] }), 'degraded', 'False'],
    ['a state word that nobody knows', on({ disks: disk('Brandnew') }), 'degraded', 'False'],
  ]
  for (const [name, cluster, state, healthy] of table) {
    const status = clusterStatus(cluster)
    t.equal(status.volumes[0]?.state, state, name)
    t.equal(condition(cluster, 'VolumesHealthy')[0], healthy, name)
    t.equal(
      status.volumes[0]?.reasons.length === 0,
      state === 'healthy',
      `${name}: has a reason unless healthy`,
    )
  }
  const unknown = { ...SOUND, reports: SOUND.reports.map(one => ({ ...one, ageMs: SILENT_MS })) }
  t.equal(clusterStatus(unknown).volumes[0]?.state, 'unknown', 'only old reports')
  t.equal(condition(unknown, 'VolumesHealthy')[0], 'Unknown')
  t.same(
    condition({ ...SOUND, reports: SOUND.reports.slice(0, 2) }, 'VolumesHealthy'),
    ['Unknown', 'ReportsMissing'],
    'a node that does not report may have any volume',
  )
})

t.test('an empty cluster is not a good one', async t => {
  const empty = { ...SOUND, nodes: [], reports: [], members: members([]) }
  t.same(condition(empty, 'NodesReady'), ['Unknown', 'NoNodes'])
  t.not(condition(empty, 'Ready')[0], 'True')
})

t.test('two versions of agents are said, and do not count against the cluster', async t => {
  const mixed = with_('n3', { agentVersion: '0.2.0' })
  t.same(condition(mixed, 'AgentsAgree'), ['False', 'VersionsDiffer'])
  t.equal(condition(mixed, 'Ready')[0], 'True')
})

t.test('thousands of volumes: the worst are listed, all are counted', async t => {
  const volumes = Array.from({ length: 1_500 }, (_, n) => ({
    ...primary,
    resource: `v${n}`,
    peers: [],
    disks: [{ volume: 0, minor: n, disk: n === 1_499 ? 'Failed' : 'UpToDate' }],
  }))
  const status = clusterStatus(with_('n1', { volumes }))
  t.equal(status.volumes.length, 1_000)
  t.equal(status.volumesLeftOff, 501, 'r0 of n2 is one more')
  t.equal(status.volumes[0]?.resource, 'v1499')
  t.equal(status.volumeCounts.total, 1_501)
  t.ok(ClusterStatusSchema.safeParse(status).success)
})

t.test('when everything is broken at once, the status still fits into etcd', async t => {
  const words = Array.from({ length: 16 }, (_, n) => ({ code: `Code${n}`, text: 'x'.repeat(512) }))
  const volumes = Array.from({ length: 2_000 }, (_, n) => ({ ...primary, resource: `v${n}`, reasons: words }))
  const names = Array.from({ length: 900 }, (_, n) => `node${n}`)
  const status = clusterStatus({
    ...SOUND,
    nodes: names.map(name => node(name, { ready: false })),
    reports: names.map(name =>
      seen(report(name, { volumes: name === 'node0' ? volumes : [], reasons: words })),
    ),
  })
  t.ok(JSON.stringify(status).length < 1_000_000, `${JSON.stringify(status).length} characters`)
  t.equal(status.volumes.length + status.volumesLeftOff, 2_000)
  t.equal(status.nodes.length + status.nodesLeftOff, status.nodesTotal)
  t.ok(status.volumes.length > 40 && status.nodes.length > 40, 'many are still listed')
  t.ok(ClusterStatusSchema.safeParse(status).success)
})
