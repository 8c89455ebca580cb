/** Words of agents, plugins and the kernel, from texts as they really look. */
import t from 'tap'
import { agentHappenings, agentWord, pluginHappenings } from '../agent-words.ts'
import { betterSkew } from '../probe-line.ts'
import { parseProcDrbd } from '../proc-drbd.ts'

const AT = '2026-11-24T13:00:00.250Z'
const decision = (topic: string, subject: string, verdict: string) => ({
  at: AT,
  topic,
  subject,
  verdict,
  because: 'so',
})

t.test('decisions about the victim become phases, others do not', async t => {
  const text = JSON.stringify({
    version: 1,
    node: 'n2',
    decisions: [
      decision('suspicion', 'n1', 'alive'),
      decision('suspicion', 'n1', 'suspected'),
      decision('proof', 'n1', 'unproven'),
      decision('proof', 'n1', 'over'),
      decision('proof', 'n3', 'over'),
      decision('watchdog', 'n1', 'feed'),
    ],
  })
  t.strictSame(
    agentHappenings(text, 'n2', 'n1').map(({ phase, at, where }) => ({ phase, at, where })),
    [
      { phase: 'suspected', at: Date.parse(AT), where: 'n2' },
      { phase: 'proven', at: Date.parse(AT), where: 'n2' },
    ],
  )
})

t.test('the word for an agent', async t => {
  const word = (watchdog: object, held: boolean): string =>
    agentWord(JSON.stringify({ watchdog, lease: { held, because: 'too few grants' } }))
  t.equal(word({ device: 'open', armed: true }, true), 'armed')
  t.equal(word({ device: 'open', armed: true }, false), 'no lease: too few grants')
  t.equal(
    word({ device: 'failed', armed: false, failure: 'no such device' }, true),
    'not armed: no such device',
  )
  t.equal(word({ device: 'closed', armed: false }, true), 'not armed: closed')
})

t.test('steps of the plugin, with lines of other kinds and a torn one', async t => {
  const text = [
    '{"registered":true,"node":"n2","ms":1}',
    '{"step":"publish","volume":"r0","node":"n2","ms":5}',
    '{"step":"promoted","volume":"r0","node":"n2","ms":7}',
    '{"step":"mounted","volume":"r0","node":"n2","ms":9}',
    '{"step":"moun',
  ].join('\n')
  t.strictSame(pluginHappenings(text, 'n2'), [
    { at: 7, phase: 'promoted', where: 'n2' },
    { at: 9, phase: 'mounted', where: 'n2' },
  ])
})

t.test('/proc/drbd of 8.4', async t => {
  const text = `version: 8.4.11 (api:1/proto:86-101)
 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
 1: cs:Unconfigured
12: cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown C r---d-`
  t.match(parseProcDrbd(text), [
    {
      minor: 0,
      connection: 'Connected',
      role: 'Primary',
      peerRole: 'Secondary',
      disk: 'UpToDate',
      peerDisk: 'UpToDate',
    },
    { minor: 12, connection: 'WFConnection', role: 'Secondary', disk: 'UpToDate', flags: 'r---d-' },
  ])
})

t.test('the quickest line tells most about a clock', async t => {
  // The guest is 10 ms behind; lines take 50, 3 and 2000 ms.
  const skew = [50, 3, 2000].reduce<number | undefined>(
    (known, took) => betterSkew(known, 990, 1000 + took),
    undefined,
  )
  t.equal(skew, -13)
})
