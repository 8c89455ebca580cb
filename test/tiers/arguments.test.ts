/** The arguments of `npm test`. */
import t from 'tap'
import { parseArguments } from './arguments.ts'
import { TIER_NAMES } from './tier.ts'

t.test('without arguments every tier runs', async t => {
  t.match(parseArguments([]), { tiers: TIER_NAMES, fast: false, list: false, help: false, words: [] })
})

t.test('choices', async t => {
  t.same(parseArguments(['--fast']).tiers, ['static', 'unit'])
  t.same(parseArguments(['--only', 'lab,unit', 'fence']), {
    tiers: ['lab', 'unit'],
    fast: false,
    list: false,
    help: false,
    words: ['fence'],
  })
})

t.test('refusals name the argument', async t => {
  const refused = (argv: readonly string[], message: RegExp) => {
    t.throws(() => parseArguments(argv), { code: 'ARGUMENT_INVALID', message })
  }
  refused(['--only', 'all'], /--only wants tiers out of static, .* not "all"/)
  refused(['--fast', '--only', 'lab'], /exclude each other/)
  refused(['--quick'], /--quick/)
})
