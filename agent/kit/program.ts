/** A process that runs until it is told to stop: arguments, signals, exit code, and a log that is flushed. */
import { AppError, ERRORS, type ErrorCode, EXIT, sayError } from './errors.ts'
import { type Log, openLog } from './log.ts'

export interface Program<Config extends { readonly logLevel: string }> {
  readonly name: string
  readonly usage: string
  /** `help` when that was asked for; throws AppError on what it does not understand. */
  readonly parse: (argv: readonly string[], env: NodeJS.ProcessEnv) => Config | 'help'
  /** Ends, after an orderly stop, when the signal has come. */
  readonly run: (config: Config, log: Log, stop: AbortSignal) => Promise<void>
}

/** What trying again cannot help: a supervisor should not. */
const WRONG: readonly ErrorCode[] = ['ARGUMENT_INVALID', 'CONFIG_INVALID', 'KEY_INVALID']

/** The exit code: 0 asked to stop, 64 wrong arguments or configuration, 70 fault of ours, 75 try again later. */
export async function runProgram<Config extends { readonly logLevel: string }>(
  program: Program<Config>,
): Promise<number> {
  let config: Config | 'help'
  try {
    config = program.parse(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`${program.name}: ${sayError(error)}\n`)
    return exitOf(error)
  }
  if (config === 'help') {
    process.stdout.write(program.usage)
    return EXIT.ok
  }
  const log = openLog({ level: config.logLevel, name: program.name })
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      // The second one does not wait.
      if (stop.signal.aborted) process.exit(EXIT.failed)
      stop.abort(new Error(name))
    })
  try {
    await program.run(config, log, stop.signal)
    log.info('stopped')
    return EXIT.ok
  } catch (error) {
    log.error({ err: error }, 'ends with a fault')
    process.stderr.write(`${program.name}: ${sayError(error)}\n`)
    return exitOf(error)
  } finally {
    await new Promise<void>(resolve => log.flush(() => resolve()))
  }
}

function exitOf(error: unknown): number {
  if (!(error instanceof AppError)) return EXIT.fault
  if (WRONG.includes(error.code)) return EXIT.usage
  return ERRORS[error.code].retry === 'later' ? EXIT.later : EXIT.fault
}
