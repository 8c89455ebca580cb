import fc from 'fast-check'
import t from 'tap'
import { type Report, ReportSchema } from '#protocol/report.ts'
import { ClusterStatusSchema } from '../../../coordinator/model/cluster-schema.ts'
import { type ClusterSeen, clusterStatus } from '../../../coordinator/model/cluster-status.ts'
import { SILENT_MS } from '../../../coordinator/model/report-age.ts'
import { members, NAMES, node, report, seen, WALL } from './reports.ts'

/** Mostly sound: a defect shows only where nothing else is wrong. */
const mostly = <T>(sound: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constant(sound) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

const X = [{ code: 'X', text: 'x' }]
const disk = mostly('UpToDate', 'Outdated', 'Inconsistent', 'Diskless', 'Failed')
const aDisk = disk.map(word => ({ volume: 0, minor: 0, disk: word }))
const volumeOf = (self: string, resource: string) =>
  fc.record({
    resource: fc.constant(resource),
    role: fc.oneof(fc.constantFrom('Primary', 'Secondary', 'Secondary'), mostly('Secondary', 'Unknown')),
    disks: fc.tuple(aDisk, aDisk).chain(([one, two]) => mostly([one], [one, two], [])),
    peers: fc.array(
      fc.record({
        node: fc.constantFrom(...NAMES.filter(name => name !== self)),
        connection: mostly('Connected', 'Connecting', 'StandAlone'),
        role: fc.constantFrom('Primary', 'Secondary'),
        disk,
      }),
      { maxLength: 2 },
    ),
    suspended: mostly<string[]>([], ['fencing'], ['quorum']),
    reasons: mostly<typeof X>([], X),
  })

const wordsOf = (self: string) => {
  const state = mostly('alive', 'suspected', 'lost', 'never-seen')
  const others = NAMES.filter(name => name !== self)
  return fc.tuple(...others.map(node => fc.record({ node: fc.constant(node), state })))
}

const reportOf = (name: string) =>
  fc.record({
    report: fc
      .record({
        drbd: mostly({ phase: 'live' }, { phase: 'resync' }, { phase: 'no module' }),
        volumes: fc
          .tuple(fc.option(volumeOf(name, 'r0')), fc.option(volumeOf(name, 'r1')))
          .map(list => list.filter(one => one !== null)),
        lease: fc.record({ armed: mostly(true, false), held: mostly(true, false) }),
        members: wordsOf(name),
        reasons: mostly<typeof X>([], X),
      })
      .map(more => ReportSchema.parse({ ...report(name), ...more })),
    // Around the moment at which a report turns old.
    ageMs: mostly(0, SILENT_MS - 1, SILENT_MS, SILENT_MS + 1),
  })

const cluster = fc
  .tuple(
    fc.tuple(...NAMES.map(name => fc.option(reportOf(name), { freq: 12 }))),
    fc.tuple(...NAMES.map(() => mostly('ready', 'not ready', 'absent'))),
    mostly<string[]>([...NAMES], ['n1', 'n2'], ['n1', 'n2', 'n4']),
  )
  .map(
    ([reports, nodes, listed]): ClusterSeen => ({
      nodes: NAMES.flatMap((name, index) =>
        nodes[index] === 'absent' ? [] : [node(name, { ready: nodes[index] === 'ready' })],
      ),
      reports: reports.flatMap(one => (one === null ? [] : [seen(one.report, one.ageMs)])),
      members: members(listed),
      conditionsBefore: [],
      wallText: WALL,
    }),
  )

const holds = (
  name: string,
  says: (seen: ClusterSeen, status: ReturnType<typeof clusterStatus>) => boolean,
): void => {
  t.test(name, async t => {
    fc.assert(
      fc.property(cluster, seen => says(seen, clusterStatus(seen))),
      { numRuns: 2_000 },
    )
    t.pass('holds')
  })
}
const freshReport = (seen: ClusterSeen, name: string): Report | undefined => {
  const one = seen.reports.find(({ node: of }) => of === name)
  return one?.read.kind === 'read' && one.ageMs < SILENT_MS ? one.read.report : undefined
}

holds(
  'the status always has the form of its schema',
  (_seen, status) => ClusterStatusSchema.safeParse(status).success,
)

holds(
  'a node is ready only with a fresh report without a reason, a live DRBD and a Ready Node',
  (seen, status) =>
    status.nodes.every(({ node: name, ready }) => {
      const said = freshReport(seen, name)
      return (
        !ready ||
        (said !== undefined &&
          said.reasons.length === 0 &&
          said.drbd.phase === 'live' &&
          seen.nodes.some(one => one.name === name && one.ready))
      )
    }),
)

holds('a node that somebody suspects or has proven over is not ready', (seen, status) =>
  status.nodes.every(
    ({ node: name, ready }) =>
      !ready ||
      !NAMES.some(
        by =>
          by !== name &&
          freshReport(seen, by)?.members.some(
            word => word.node === name && (word.state === 'suspected' || word.state === 'lost'),
          ),
      ),
  ),
)

holds('a healthy volume: every report that names it is fresh and finds nothing wrong', (seen, status) =>
  status.volumes.every(({ resource, state }) => {
    if (state !== 'healthy') return true
    const naming = seen.reports.filter(
      one => one.read.kind === 'read' && one.read.report.volumes.some(volume => volume.resource === resource),
    )
    return naming.every(one => {
      const said = freshReport(seen, one.node)?.volumes.find(volume => volume.resource === resource)
      return (
        said !== undefined &&
        said.reasons.length === 0 &&
        said.suspended.length === 0 &&
        said.disks.length > 0 &&
        said.disks.every(own => own.disk === 'UpToDate') &&
        said.peers.every(
          peer => peer.connection === 'Connected' && naming.some(({ node: of }) => of === peer.node),
        )
      )
    })
  }),
)

holds('whatever is not healthy or not ready has a reason, and Ready says so', (_seen, status) => {
  const bad =
    status.nodes.some(({ ready }) => !ready) || status.volumes.some(({ state }) => state !== 'healthy')
  const ready = status.conditions.find(({ type }) => type === 'Ready')?.status
  return (
    status.nodes.every(one => one.ready === (one.reasons.length === 0)) &&
    status.volumes.every(one => (one.state === 'healthy') === (one.reasons.length === 0)) &&
    !(bad && ready === 'True')
  )
})

holds('the order in which things are seen does not matter', (seen, status) => {
  const turned = clusterStatus({
    ...seen,
    nodes: seen.nodes.toReversed(),
    reports: seen.reports.toReversed(),
  })
  return JSON.stringify(turned) === JSON.stringify(status)
})

t.test('the draws are worth something: many are sound, many are not', async t => {
  const drawn = fc.sample(cluster, 500).map(seen => clusterStatus(seen))
  const share = (fits: (status: (typeof drawn)[number]) => boolean): number =>
    drawn.filter(fits).length / drawn.length
  const ready = share(status => status.nodesReady === status.nodesTotal)
  const healthy = share(status => status.volumeCounts.healthy > 0)
  t.ok(ready > 0.05 && ready < 0.95, `all nodes ready in ${ready}`)
  t.ok(healthy > 0.1 && healthy < 0.95, `a healthy volume in ${healthy}`)
})

t.test('losing a report never makes a node or a volume better', async t => {
  fc.assert(
    fc.property(cluster, fc.constantFrom(...NAMES), (seen, name) => {
      const before = clusterStatus(seen)
      const after = clusterStatus({
        ...seen,
        reports: seen.reports.map(one => (one.node === name ? { ...one, ageMs: SILENT_MS } : one)),
      })
      const readyBefore = new Set(before.nodes.filter(one => one.ready).map(one => one.node))
      const witness = (one: string): boolean =>
        freshReport(seen, name)?.members.some(word => word.node === one && word.state !== 'alive') === true
      // The word of a witness that has gone silent against another node no longer counts: that may clear that node.
      return after.nodes.every(one => !one.ready || readyBefore.has(one.node) || witness(one.node))
    }),
    { numRuns: 1_000 },
  )
  t.pass('holds')
})
