/** Expectations: each one, and a run that breaks it. */
import t from 'tap'
import { expectations, type RunFacts } from '../expectations.ts'

const FAULT = 50_000

const wrote = (at: number, node: string) => ({ at, begunAt: at - 3, node })

/** A failover as it must be; each test spoils one thing. */
const MOVED: RunFacts = {
  fault: 'power',
  victim: 'n1',
  faultAt: FAULT,
  endedAt: undefined,
  happenings: [{ at: FAULT + 8_400, phase: 'proven', where: 'n2' }],
  deletes: [{ at: FAULT + 8_450, pod: 'writer-0', by: '10.99.0.12' }],
  writes: [wrote(FAULT + 5, 'n1'), wrote(FAULT + 9_500, 'n2')],
  victimResetAt: undefined,
  agentBackAt: undefined,
  podNodeAtEnd: 'n2',
  victimDiskAtEnd: undefined,
  verdict: { acknowledged: 100, lost: 0, secondWriters: 0 },
}

const STAYED: RunFacts = {
  ...MOVED,
  fault: 'kill-agent',
  happenings: [],
  deletes: [],
  writes: [wrote(FAULT + 12_000, 'n1')],
  podNodeAtEnd: 'n1',
  agentBackAt: FAULT + 1_500,
}

const broken = (facts: RunFacts): string[] =>
  expectations(facts)
    .filter(expectation => !expectation.holds)
    .map(expectation => expectation.text)

const ISOLATED: RunFacts = {
  ...MOVED,
  fault: 'isolate',
  victimResetAt: FAULT + 7_000,
  endedAt: FAULT + 20_000,
}
const FROZEN: RunFacts = { ...MOVED, fault: 'freeze', endedAt: FAULT + 12_000, victimResetAt: FAULT + 12_100 }
const DISKLESS: RunFacts = { ...STAYED, fault: 'disk-error', victimDiskAtEnd: 'Diskless' }

t.test('good runs of every fault', async t => {
  for (const facts of [MOVED, STAYED, ISOLATED, FROZEN, DISKLESS])
    t.strictSame(broken(facts), [], facts.fault)
})

const SPOILED: readonly (readonly [string, RunFacts, RegExp])[] = [
  ['a lost write', { ...MOVED, verdict: { ...MOVED.verdict, lost: 1 } }, /lost/],
  ['a second writer', { ...STAYED, verdict: { ...MOVED.verdict, secondWriters: 1 } }, /two writers/],
  ['nothing written', { ...STAYED, verdict: { ...MOVED.verdict, acknowledged: 0 } }, /written at all/],
  ['a delete without a proof', { ...MOVED, happenings: [] }, /before the proof/],
  [
    'a delete before the proof',
    { ...MOVED, deletes: [{ ...MOVED.deletes[0]!, at: FAULT + 8_000 }] },
    /before the proof/,
  ],
  ['two deletes', { ...MOVED, deletes: [MOVED.deletes[0]!, MOVED.deletes[0]!] }, /exactly one/],
  ['no delete', { ...MOVED, deletes: [] }, /exactly one/],
  ['no new writer', { ...MOVED, writes: [] }, /writes on another/],
  [
    'isolated and writing at the delete',
    {
      ...ISOLATED,
      victimResetAt: undefined,
      writes: [wrote(FAULT + 9_000, 'n1'), ...MOVED.writes].toSorted((a, b) => a.at - b.at),
    },
    /before the delete/,
  ],
  [
    'a thawed node that writes',
    { ...FROZEN, writes: [...MOVED.writes, wrote(FAULT + 12_050, 'n1')] },
    /never writes/,
  ],
  ['a thawed node that never resets', { ...FROZEN, victimResetAt: undefined }, /resets once/],
  ['a pod that moved', { ...STAYED, podNodeAtEnd: 'n2' }, /nothing fails over/],
  ['a live node called dead', { ...STAYED, happenings: MOVED.happenings }, /called dead/],
  ['a writer that stopped', { ...STAYED, writes: [wrote(FAULT + 100, 'n1')] }, /goes on/],
  ['a reset', { ...DISKLESS, victimResetAt: FAULT + 100 }, /never resets/],
  ['an agent that stays away', { ...STAYED, agentBackAt: undefined }, /agent is back/],
  ['a disk that nobody missed', { ...DISKLESS, victimDiskAtEnd: 'UpToDate' }, /without its own disk/],
]
for (const [name, facts, words] of SPOILED) {
  t.test(`broken by ${name}`, async t => {
    t.ok(
      broken(facts).some(text => words.test(text)),
      JSON.stringify(broken(facts)),
    )
  })
}
