import t from 'tap'
import { MembersSchema } from '#protocol/members.ts'
import { memberDifferences, planMembers, readMembers } from '../../../coordinator/model/members.ts'
import { members, node } from './reports.ts'

const POLICY = { minimum: 3, settleMs: 20_000 }
const THREE = [node('n2'), node('n1'), node('n3')]

t.test('when the first list is made', async t => {
  const table: [string, Parameters<typeof planMembers>, string][] = [
    ['too few nodes', [THREE.slice(0, 2), 99_000, POLICY], 'TooFewNodes'],
    ['too many nodes', [Array.from({ length: 65 }, (_, n) => node(`n${n}`)), 99_000, POLICY], 'TooManyNodes'],
    ['one is not Ready', [[...THREE, node('n4', { ready: false })], 99_000, POLICY], 'NodeNotReady'],
    ['one has no address', [[...THREE, node('n4', { addresses: [] })], 99_000, POLICY], 'NodeWithoutAddress'],
    ['they have just changed', [THREE, 19_999, POLICY], 'NodesSettling'],
    [
      'two have one address',
      [[...THREE, node('n4', { addresses: ['10.0.0.1'] })], 99_000, POLICY],
      'NodesUnusable',
    ],
  ]
  for (const [name, input, code] of table)
    t.match(planMembers(...input), { kind: 'wait', because: { code } }, name)
  t.match(planMembers(THREE, 15_000, POLICY), { afterMs: 5_000 }, 'says when to look again')
})

t.test('the list that is made', async t => {
  const plan = planMembers(
    [node('n3', { addresses: ['10.1.0.3', 'fd00::3', '10.1.0.3'] }), node('n1'), node('n2')],
    20_000,
    POLICY,
  )
  t.equal(plan.kind, 'create')
  const text = plan.kind === 'create' ? plan.text : ''
  t.same(JSON.parse(text), {
    members: [
      { node: 'n1', addresses: ['10.0.0.1'] },
      { node: 'n2', addresses: ['10.0.0.2'] },
      { node: 'n3', addresses: ['10.1.0.3', 'fd00::3'] },
    ],
  })
  t.ok(MembersSchema.safeParse(JSON.parse(text)).success)
  t.match(readMembers({ 'members.json': text }), { kind: 'read' }, 'and is read again')
})

t.test('a list that cannot be read says where', async t => {
  for (const data of [
    {},
    { 'members.json': '{' },
    { 'members.json': '{"members":[]}' },
    { 'members.json': '{"members":[{"node":"N 1","addresses":["10.0.0.1"]}]}' },
    { 'members.json': '{"members":[{"node":"n1","addresses":["here"]}]}' },
  ])
    t.match(readMembers(data), { kind: 'unreadable', where: /./ }, JSON.stringify(data))
})

t.test('how list and nodes differ', async t => {
  const list = members(['n1', 'n2', 'n3'])
  const of = (nodes: typeof THREE) =>
    memberDifferences(list.kind === 'read' ? list.members : [], nodes).map(({ code }) => code)
  t.same(of(THREE), [])
  t.same(of([...THREE, node('n4')]), ['NodeNotMember'])
  t.same(of(THREE.slice(0, 2)), ['MemberWithoutNode'])
  t.same(of([node('n1', { addresses: ['10.9.9.9'] }), node('n2'), node('n3')]), ['AddressesDiffer'])
  t.same(
    of([node('n1', { addresses: [] }), node('n2'), node('n3')]),
    [],
    'more in the list than in Kubernetes is fine',
  )
})
