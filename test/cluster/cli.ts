/** `npm run cluster -- up [N] | kubectl ARGS… | exec NODE CMD… | down`: a cluster that stands until it is taken down. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, EXIT, sayError } from '#kit/errors.ts'
import { isLabNode } from '../lab/layout.ts'
import { stateRoot, sweepStateDirs } from '../lab/state-dir.ts'
import { insideOf, readStanding, type Standing } from './standing.ts'

const USAGE = `usage: npm run cluster -- COMMAND
  up [N]            N nodes (1 to 9, default 3) with a control plane; stays until "down"
  kubectl ARGS...   kubectl as administrator
  exec NODE CMD...  a shell command in a node
  down              takes everything away`

const DOWN_MS = 30_000

async function main([command = '', ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'up':
      return up(Number(args[0] ?? 3))
    case 'down':
      return down()
    case 'kubectl': {
      const { kubehost, kubeconfig } = standing()
      return inside([kubehost, 'kubectl', `--kubeconfig=${kubeconfig}`, ...args])
    }
    case 'exec': {
      const [node = '', ...words] = args
      if (!isLabNode(node) || words.length === 0) throw new AppError('ARGUMENT_INVALID', USAGE)
      return inside([process.execPath, join(import.meta.dirname, 'exec-inside.ts'), node, words.join(' ')])
    }
    default:
      console.log(USAGE)
      return ['help', '--help', '-h'].includes(command) ? EXIT.ok : EXIT.usage
  }
}

function standing(): Standing {
  const found = readStanding()
  if (!found) throw new AppError('LAB_FAILED', 'no cluster is standing: npm run cluster -- up 3')
  return found
}

async function up(nodes: number): Promise<number> {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9)
    throw new AppError('ARGUMENT_INVALID', 'a cluster has 1 to 9 nodes')
  if (readStanding())
    throw new AppError('LAB_FAILED', 'a cluster is standing already: npm run cluster -- down')
  sweepStateDirs()
  mkdirSync(stateRoot(), { recursive: true })
  const logFile = join(stateRoot(), 'cluster.log')
  const log = openSync(logFile, 'w')
  const argv = [join(import.meta.dirname, 'keeper.ts'), String(nodes)]
  const keeper = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  let ended: number | undefined
  keeper.on('exit', status => {
    ended = status ?? EXIT.failed
  })
  const stop = () => keeper.pid !== undefined && process.kill(keeper.pid, 'SIGTERM')
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let shown = 0
  while (ended === undefined && !readStanding()) {
    await sleep(200)
    const text = readFileSync(logFile, 'utf8')
    process.stdout.write(text.slice(shown))
    shown = text.length
  }
  keeper.unref()
  if (ended !== undefined) return ended || EXIT.failed
  console.log(
    `the cluster stands; its logs: ${standing().stateDir}\nnext: npm run cluster -- kubectl get nodes`,
  )
  return EXIT.ok
}

async function down(): Promise<number> {
  const found = readStanding()
  if (!found) {
    console.log('no cluster is standing')
    return EXIT.ok
  }
  process.kill(found.keeper, 'SIGTERM')
  const end = Date.now() + DOWN_MS
  while (existsSync(`/proc/${found.keeper}`)) {
    if (Date.now() > end) process.kill(found.keeper, 'SIGKILL') // the kernel ends everything else with it
    await sleep(100)
  }
  return EXIT.ok
}

function inside(argv: readonly string[]): Promise<number> {
  const [program = '', ...args] = insideOf(standing(), argv)
  const child = spawn(program, args, { stdio: 'inherit' })
  process.on('SIGINT', () => {}) // the child gets it too, and its end is the answer
  return new Promise((resolve, reject) =>
    child.on('error', reject).on('exit', status => resolve(status ?? EXIT.failed)),
  )
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(sayError(error))
  process.exitCode = error instanceof AppError && error.code === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.later
}
