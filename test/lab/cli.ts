/** The lab for a terminal: `up 3`, `exec n2 'cat /proc/drbd'`, `cut n1 repl`, `down`; without arguments all commands. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AppError, EXIT, sayError } from '#kit/errors.ts'
import { isLabUp, labSocket, ownerFile, runInNet, sendCommand } from './command-client.ts'
import { serveCommands } from './command-server.ts'
import { COMMANDS } from './command-table.ts'
import { lastLines } from './console.ts'
import { enterLab, ownerPid } from './inside.ts'
import { openLab } from './lab.ts'
import { type LabOptions, labConfig } from './options.ts'
import { requireLab } from './requirements.ts'
import { stateRoot } from './state-dir.ts'

const UP_DEADLINE_MS = 120_000

function help(): string {
  const own = [
    ['up [N] [--memory 256M] [--disks 2] [--disk-size 1G] [--app FOLDER]', 'start the lab in the background'],
    ['down', 'end all of it'],
    ['in-net PROGRAM…', 'a program of this machine in the lab’s network, as 10.99.0.1'],
  ]
  const others = Object.values(COMMANDS).map(({ usage, says }) => [usage, says])
  const lines = [...own, ...others].map(([usage = '', says]) =>
    says ? `  ${usage.padEnd(44)} ${says}` : `  ${usage}`,
  )
  return [
    'npm run lab -- COMMAND',
    '',
    ...lines,
    '',
    'A NODE is n1 to n9. In guests: /lab, /app, /var/lib/hawser (kept over reboots).',
    '',
  ].join('\n')
}

function upOptions(args: readonly string[]): LabOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        memory: { type: 'string' },
        disks: { type: 'string' },
        'disk-size': { type: 'string' },
        app: { type: 'string' },
      },
    })
    return {
      nodes: Number(positionals[0] ?? 3),
      ...(values.memory === undefined ? {} : { memory: values.memory }),
      ...(values.disks === undefined ? {} : { disks: Number(values.disks) }),
      ...(values['disk-size'] === undefined ? {} : { diskSize: values['disk-size'] }),
      ...(values.app === undefined ? {} : { app: values.app }),
    }
  } catch (cause) {
    throw new AppError('ARGUMENT_INVALID', 'up does not know this argument', {}, cause)
  }
}

/** The process that keeps the lab: lives inside, ends with `down` or a signal. */
async function serve(args: readonly string[]): Promise<void> {
  await enterLab()
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort()).on('SIGINT', () => stop.abort())
  await using lab = await openLab(upOptions(args), stop.signal)
  writeFileSync(ownerFile(), String(ownerPid()))
  await serveCommands(lab, labSocket(), stop.signal)
  rmSync(labSocket(), { force: true })
  rmSync(ownerFile(), { force: true })
}

async function up(args: readonly string[]): Promise<number> {
  labConfig(upOptions(args))
  requireLab()
  if (await isLabUp()) throw new AppError('LAB_FAILED', 'the lab is up already; end it with down')
  mkdirSync(stateRoot(), { recursive: true })
  rmSync(labSocket(), { force: true })
  const log = path.join(stateRoot(), 'serve.log')
  const fd = openSync(log, 'w')
  const begin = performance.now()
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'serve', ...args], {
    detached: true,
    stdio: ['ignore', fd, fd],
  })
  closeSync(fd)
  while (!existsSync(labSocket())) {
    if (child.exitCode !== null || performance.now() - begin > UP_DEADLINE_MS) {
      if (child.exitCode === null) child.kill('SIGKILL')
      throw new AppError('LAB_FAILED', 'the lab did not come up', {
        why: lastLines(log).at(-1) ?? 'no word',
        log,
      })
    }
    await sleep(50)
  }
  child.unref()
  console.log(`up after ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  return EXIT.ok
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'up':
      return await up(args)
    case 'serve':
      await serve(args)
      return EXIT.ok
    case 'in-net':
      return await runInNet(args)
    case undefined:
    case 'help':
    case '--help':
      process.stdout.write(help())
      return command === undefined ? EXIT.usage : EXIT.ok
    default:
      return await sendCommand([command, ...args], process.stdout, process.stderr)
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(sayError(error))
  process.exitCode = error instanceof AppError && error.code === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.failed
}
