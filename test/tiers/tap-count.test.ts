/** Counting: what passes, what fails and what is left out, from TAP as test programs really print it. */
import t from 'tap'
import type { Outcome } from './outcome.ts'
import { openTapCounter } from './tap-count.ts'

function count(text: string, ended?: string): Outcome {
  const counter = openTapCounter('x.test.ts')
  // in pieces, as a pipe delivers it
  for (let at = 0; at < text.length; at += 7) counter.write(text.slice(at, at + 7))
  return counter.end(ended)
}

function namesOf({ failed }: Outcome): readonly string[] {
  return failed.map(({ path }) => path.join(' > '))
}

const GROUPS = `TAP version 14
# Subtest: one
    ok 1 - a
    ok 2 - b
    # Subtest: inner
        ok 1 - c
        1..1
    ok 3 - inner # time=1ms
    1..3
ok 1 - one # time=2ms
# Subtest: empty
    1..0
ok 2 - empty # no tests found
ok 3 - later # SKIP needs root
1..3
`

t.test('a group with assertions of its own is one test, however many they are', async t => {
  const outcome = count(GROUPS)
  t.equal(outcome.passed, 3, 'one, one > inner, empty')
  t.same(outcome.failed, [])
  t.same(outcome.skipped, [{ path: ['x.test.ts', 'later'], detail: 'needs root' }])
})

t.test('assertions outside of any group are one test named as the file', async t => {
  t.equal(count('TAP version 14\nok 1 - a\nok 2 - b\n1..2\n').passed, 1)
  const outcome = count(
    'TAP version 14\nok 1 - a\nnot ok 2 - b\n  ---\n  at:\n    fileName: x.test.ts\n    lineNumber: 7\n  diff: "-1+2"\n  ...\nnot ok 3 - c\n1..3\n',
    'exit 1',
  )
  t.equal(outcome.passed, 0)
  t.same(namesOf(outcome), ['x.test.ts'])
  t.match(outcome.failed[0]?.detail, /^b\nat x.test.ts:7\ndiff: -1\+2\nc\nnot ok$/)
})

t.test('a failure inside fails that group only, and is counted once', async t => {
  const text = GROUPS.replace('ok 1 - c', 'not ok 1 - c')
    .replace('ok 3 - inner', 'not ok 3 - inner')
    .replace('ok 1 - one', 'not ok 1 - one')
  const outcome = count(text, 'exit 1')
  t.same(namesOf(outcome), ['x.test.ts > one > inner'])
  t.equal(outcome.passed, 2)
})

t.test('a group that only its own last line calls failed is failed, not passed', async t => {
  const outcome = count(
    'TAP version 14\n# Subtest: late\n    ok 1 - a\n    1..1\nnot ok 1 - late # time=9ms\n1..1\n',
    'exit 1',
  )
  t.same([outcome.passed, namesOf(outcome)], [0, ['x.test.ts > late']])
})

t.test('a program that breaks off fails the group it was in', async t => {
  const outcome = count(
    'TAP version 14\n# Subtest: first\n    ok 1 - a\n    1..1\nok 1 - first\n# Subtest: dies\n    ok 1 - b\n',
    'ended by SIGKILL',
  )
  t.equal(outcome.passed, 1)
  t.ok(namesOf(outcome).includes('x.test.ts > dies'))
})

t.test('a bad end without a failed test is a failure', async t => {
  t.same(namesOf(count(GROUPS, 'exit 1')), ['x.test.ts'])
  t.match(count('', 'exit 1').failed, [{ path: ['x.test.ts'] }])
})

t.test('a file without a test is a failure', async t => {
  t.match(count('').failed, [{ path: ['x.test.ts'] }])
  t.match(count('TAP version 14\n1..0\n').failed, [{ detail: 'there is no test in this file' }])
  t.match(count('hello\n').failed, [{ path: ['x.test.ts'] }])
})

t.test('a wrong plan is a failure', async t => {
  t.same(namesOf(count('TAP version 14\nok 1 - a\n1..2\n')), ['x.test.ts'])
})
