/** What a person may say to `npm start`, read once into options. Pure. */
import { parseArgs } from 'node:util'
import { AppError, sayError } from '#kit/errors.ts'
import { FAULTS, type Fault, isFault } from './phases.ts'

export type ClusterKind = 'embedded' | 'real'

export interface DemoOptions {
  readonly fault: Fault
  readonly nodes: number
  readonly runs: number
  /** Undefined: real if its binary is built, else embedded. */
  readonly cluster: ClusterKind | undefined
  readonly keep: boolean
  readonly svg: string | undefined
  readonly json: string | undefined
  readonly color: boolean
  readonly help: boolean
}

export const USAGE = `npm start -- [options]     a node fails; its writer goes on elsewhere; no acknowledged write is lost

  --fault FAULT      what happens to the node that the pod runs on: ${FAULTS.join(' | ')} (power)
  --nodes N          3 to 9 nodes (3)
  --runs N           repeat it, and print p50 and p99 of each phase (1)
  --cluster KIND     embedded: an API server of the test tree, in this process; real: Kubernetes 1.34
                     (real if its binary is built: npm run cluster -- build)
  --keep             leave everything running at the end, and say how to look around
  --svg FILE         the timeline of the last run as a picture
  --json FILE        every run's figures
  --no-color         no colours (NO_COLOR does the same)
  --help             this text

exit status   0 nothing lost, no second writer, and the fault's own expectations held; 1 not so;
              64 wrong arguments; 75 this machine cannot do it now (rights, memory, a busy port)
`

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new AppError(
      'ARGUMENT_INVALID',
      `--${name} wants a whole number from ${min} to ${max}, not "${text}"`,
    )
  }
  return value
}

function readFault(text: string): Fault {
  if (isFault(text)) return text
  throw new AppError('ARGUMENT_INVALID', `--fault wants one of ${FAULTS.join(', ')}, not "${text}"`)
}

function readCluster(text: string | undefined): ClusterKind | undefined {
  if (text === undefined || text === 'embedded' || text === 'real') return text
  throw new AppError('ARGUMENT_INVALID', `--cluster wants embedded or real, not "${text}"`)
}

function readFile(name: string, text: string | undefined): string | undefined {
  if (text === '') throw new AppError('ARGUMENT_INVALID', `--${name} wants a file name`)
  return text
}

function split(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        fault: { type: 'string', default: 'power' },
        nodes: { type: 'string', default: '3' },
        runs: { type: 'string', default: '1' },
        cluster: { type: 'string' },
        keep: { type: 'boolean', default: false },
        svg: { type: 'string' },
        json: { type: 'string' },
        'no-color': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (cause) {
    // Node's own words are good here; only its second sentence, about positionals, would puzzle.
    throw new AppError('ARGUMENT_INVALID', sayError(cause).split(/\. (?=To )/)[0] ?? 'wrong arguments')
  }
}

export function readArguments(
  argv: readonly string[],
  env: { readonly NO_COLOR?: string | undefined },
): DemoOptions {
  const values = split(argv)
  return {
    fault: readFault(values.fault),
    nodes: wholeNumber('nodes', values.nodes, 3, 9),
    runs: wholeNumber('runs', values.runs, 1, 1000),
    cluster: readCluster(values.cluster),
    keep: values.keep,
    svg: readFile('svg', values.svg),
    json: readFile('json', values.json),
    color: !values['no-color'] && (env.NO_COLOR ?? '') === '',
    help: values.help,
  }
}
