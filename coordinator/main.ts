/** The process of the coordinator. */
import { systemClock } from '#kit/clock.ts'
import { runProgram } from '#kit/program.ts'
import manifest from '../package.json' with { type: 'json' }
import { runCoordinator } from './assemble.ts'
import { parseConfig, USAGE } from './config.ts'

process.exitCode = await runProgram({
  name: 'hawser-coordinator',
  usage: USAGE,
  parse: parseConfig,
  run: async (config, log, stop) =>
    await runCoordinator({ config, version: manifest.version, clock: systemClock, log }, stop),
})
