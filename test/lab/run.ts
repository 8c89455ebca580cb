/** Runs a program of this machine: no shell, with a deadline and an output limit. */
import { spawn } from 'node:child_process'
import { AppError } from '#kit/errors.ts'

export interface RunOptions {
  readonly input?: string
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface RunResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_LIMIT = 16 << 20

/** Resolves with whatever status the program ended with; rejects when it could not run or did not end in time. */
export function tryRun(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv
  const deadlineMs = options.deadlineMs ?? 30_000
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
  const deadline = AbortSignal.timeout(deadlineMs)
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
    env: { ...process.env, LC_ALL: 'C', ...options.env },
  })
  const output = { stdout: '', stderr: '' }
  const collect = (name: 'stdout' | 'stderr') => (text: string) => {
    output[name] += text
    if (output[name].length > OUTPUT_LIMIT) {
      child.kill('SIGKILL')
      reject(new AppError('ANSWER_TOO_LARGE', 'a program printed too much', { program, limit: OUTPUT_LIMIT }))
    }
  }
  child.stdout.setEncoding('utf8').on('data', collect('stdout'))
  child.stderr.setEncoding('utf8').on('data', collect('stderr'))
  // A program that does not read its input closes the pipe: its status says more than that.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  child.on('error', cause => {
    if (deadline.aborted)
      reject(new AppError('DEADLINE_PASSED', 'a program did not end in time', { program, deadlineMs }))
    else reject(new AppError('PROGRAM_FAILED', 'a program could not be run', { program }, cause))
  })
  child.on('close', (status, killedBy) => {
    if (killedBy)
      reject(new AppError('PROGRAM_FAILED', 'a program was killed', { program, killedBy, ...output }))
    else resolve({ status: status ?? 1, ...output })
  })
  return promise
}

/** As tryRun, but any other status than 0 is an error; resolves with the standard output. */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(argv, options)
  if (result.status === 0) return result.stdout
  throw new AppError('PROGRAM_FAILED', 'a program ended with an error', {
    command: argv.join(' '),
    status: result.status,
    stderr: result.stderr.trim().slice(-500),
  })
}
