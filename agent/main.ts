/** The process of the agent. */
import { constants, setPriority } from 'node:os'
import { systemClock } from '#kit/clock.ts'
import { runProgram } from '#kit/program.ts'
import manifest from '../package.json' with { type: 'json' }
import { runAgent } from './assemble.ts'
import { parseConfig, USAGE } from './config.ts'

process.exitCode = await runProgram({
  name: 'hawser-agent',
  usage: USAGE,
  parse: parseConfig,
  run: async (config, log, stop) => {
    goFirst()
    await runAgent({ config, version: manifest.version, clock: systemClock, log }, stop)
  },
})

/** A busy node must not starve the one who feeds its watchdog. Without the right to it, it runs as everybody does. */
function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    // Not privileged: the margins are made for this too.
  }
}
