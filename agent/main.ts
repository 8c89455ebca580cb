/** The process: arguments, signals, exit code. */
import { constants, setPriority } from 'node:os'
import { systemClock } from '#kit/clock.ts'
import { AppError, ERRORS, EXIT, sayError } from '#kit/errors.ts'
import { openLog } from '#kit/log.ts'
import manifest from '../package.json' with { type: 'json' }
import { runAgent } from './assemble.ts'
import { parseConfig, USAGE } from './config.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  let config: ReturnType<typeof parseConfig>
  try {
    config = parseConfig(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`hawser-agent: ${sayError(error)}\n`)
    return exitOf(error)
  }
  if (config === 'help') {
    process.stdout.write(USAGE)
    return EXIT.ok
  }
  const log = openLog({ level: config.logLevel, name: 'hawser-agent' })
  goFirst()
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      // The second one does not wait.
      if (stop.signal.aborted) process.exit(EXIT.failed)
      stop.abort(new Error(name))
    })
  try {
    await runAgent({ config, version: manifest.version, clock: systemClock, log }, stop.signal)
    log.info('stopped')
    return EXIT.ok
  } catch (error) {
    log.error({ err: error }, 'ends with a fault')
    process.stderr.write(`hawser-agent: ${sayError(error)}\n`)
    return exitOf(error)
  } finally {
    await new Promise<void>(resolve => log.flush(() => resolve()))
  }
}

/** A busy node must not starve the one who feeds its watchdog. Without the right to it, it runs as everybody does. */
function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not privileged: the margins are made for this too.
  }
}

function exitOf(error: unknown): number {
  if (!(error instanceof AppError)) return EXIT.fault
  if (['ARGUMENT_INVALID', 'CONFIG_INVALID', 'KEY_INVALID'].includes(error.code)) return EXIT.usage
  return ERRORS[error.code].retry === 'later' ? EXIT.later : EXIT.fault
}
