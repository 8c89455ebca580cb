/** A mutant is killed by its own property alone: not by another one, not by code that does not load, not by nothing. */
import t from 'tap'
import { judgeRun } from './judge.ts'

const judge = (status: number | null, ...lines: string[]) =>
  judgeRun({ status, output: lines.join('\n') }, 'the lease').kind

t.test('what counts as killed', t => {
  t.equal(judge(1, 'TAP version 14', 'not ok 3 - the lease is held # time=5ms', '1..3'), 'killed')
  t.match(judgeRun({ status: 1, output: 'not ok 1 - the lease ends # time=1ms' }, 'the lease'), {
    by: 'the lease ends',
  })
  t.equal(judge(0, 'ok 1 - the lease is held'), 'lives')
  t.equal(judge(1, 'not ok 1 - a feed', 'ok 2 - the lease'), 'lives', 'another property')
  t.equal(judge(1, '    not ok 1 - the lease'), 'lives', 'a line inside of another test')
  t.equal(judge(1, 'SyntaxError: Unexpected token'), 'lives')
  t.equal(judge(1, 'not ok 1 - the lease', '  error: "ReferenceError: x is not defined"'), 'lives')
  t.equal(judge(null, ''), 'lives', 'killed by its deadline')
  t.end()
})
