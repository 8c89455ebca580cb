/** Arguments of `npm start`: defaults, and a clear refusal of everything else. */
import t from 'tap'
import { AppError } from '#kit/errors.ts'
import { readArguments } from '../arguments.ts'

t.test('defaults', async t => {
  t.strictSame(readArguments([], {}), {
    fault: 'power',
    nodes: 3,
    runs: 1,
    cluster: undefined,
    keep: false,
    svg: undefined,
    json: undefined,
    color: true,
    help: false,
  })
})

t.test('all of them', async t => {
  const argv =
    '--fault freeze --nodes 5 --runs 20 --cluster embedded --keep --svg a.svg --json b.json --no-color'
  t.match(readArguments(argv.split(' '), {}), {
    fault: 'freeze',
    nodes: 5,
    runs: 20,
    cluster: 'embedded',
    keep: true,
    svg: 'a.svg',
    json: 'b.json',
    color: false,
  })
})

t.test('NO_COLOR counts unless it is empty', async t => {
  t.equal(readArguments([], { NO_COLOR: '1' }).color, false)
  t.equal(readArguments([], { NO_COLOR: '' }).color, true)
})

const REFUSED: readonly (readonly [string[], RegExp])[] = [
  [['--fault', 'fire'], /--fault wants one of power, .*"fire"/],
  [['--nodes', '2'], /--nodes wants a whole number from 3 to 9, not "2"/],
  [['--nodes', '3.5'], /--nodes/],
  [['--nodes', '10'], /--nodes/],
  [['--runs', '0'], /--runs/],
  [['--runs', '1e2'], /--runs/],
  [['--cluster', 'kind'], /--cluster wants embedded or real/],
  [['--svg', ''], /--svg wants a file name/],
  [['--colour'], /--colour/],
  [['n1'], /n1/],
  [['--fault'], /--fault/],
]
for (const [argv, words] of REFUSED) {
  t.test(`refused: ${argv.join(' ')}`, async t => {
    try {
      readArguments(argv, {})
      t.fail('it was accepted')
    } catch (error) {
      t.type(error, AppError)
      t.equal((error as AppError).code, 'ARGUMENT_INVALID')
      t.match((error as AppError).message, words)
      t.notMatch((error as AppError).message, /\n/, 'one line')
    }
  })
}
