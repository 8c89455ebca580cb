/** What a person may say to `npm test`, read once into options. Pure. */
import { parseArgs } from 'node:util'
import { AppError, sayError } from '#kit/errors.ts'
import { isTierName, TIER_NAMES, type TierName } from './tier.ts'

export interface RunOptions {
  readonly tiers: readonly TierName[]
  /** The under-a-minute subset: nothing is installed from Debian for it. */
  readonly fast: boolean
  readonly list: boolean
  readonly help: boolean
  /** Only test files whose path contains one of these words. */
  readonly words: readonly string[]
}

const FAST: readonly TierName[] = ['static', 'unit']

export const USAGE = `npm test -- [options] [WORD...]     runs the tests; with words, only the test files whose path contains one

  --only TIER[,TIER]   only these tiers: ${TIER_NAMES.join(', ')}
  --fast               static and unit, under a minute, installs nothing from Debian (npm run test:fast)
  --list               says which tiers and test files there are, and runs nothing
  --help               this text

With CI set, what cannot run here counts as failed. Logs: .state/tests/last/
exit status   0 nothing failed; 1 something did; 64 wrong arguments; 130 or 143 interrupted
`

function readTiers(text: string): readonly TierName[] {
  return text.split(',').map(name => {
    if (isTierName(name)) return name
    throw new AppError(
      'ARGUMENT_INVALID',
      `--only wants tiers out of ${TIER_NAMES.join(', ')}, not "${name}"`,
    )
  })
}

export function parseArguments(argv: readonly string[]): RunOptions {
  const { values, positionals } = read(argv)
  if (values.fast === true && values.only !== undefined) {
    throw new AppError('ARGUMENT_INVALID', '--fast and --only exclude each other')
  }
  const fast = values.fast === true
  return {
    tiers: values.only === undefined ? (fast ? FAST : TIER_NAMES) : readTiers(values.only),
    fast,
    list: values.list === true,
    help: values.help === true,
    words: positionals,
  }
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        fast: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    })
  } catch (error) {
    throw new AppError('ARGUMENT_INVALID', sayError(error).split('\n')[0] ?? 'wrong arguments')
  }
}
