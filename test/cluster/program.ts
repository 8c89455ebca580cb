/** Runs a program to its end: no shell, a deadline, a limit on its output. */
import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { AppError } from '#kit/errors.ts'

export interface ProgramOptions {
  readonly signal: AbortSignal
  readonly deadlineMs: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Called with each whole line of standard error. */
  readonly onErrorLine?: (line: string) => void
}

export interface ProgramResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_LIMIT = 32 << 20

/** Ends with whatever status the program had; rejects when it cannot start, is too late or says too much. */
export async function runProgram(argv: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const [program = '', ...args] = argv
  const late = AbortSignal.timeout(options.deadlineMs)
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([options.signal, late]),
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  let size = 0
  const keep = (to: Buffer[]) => (data: Buffer) => {
    size += data.length
    if (size > OUTPUT_LIMIT) child.kill('SIGKILL')
    else to.push(data)
  }
  child.stdout.on('data', keep(out))
  child.stderr.on('data', keep(err))
  if (options.onErrorLine) splitLines(child.stderr, options.onErrorLine)
  child.stdin.on('error', () => {}) // it may end before it has read everything
  child.stdin.end(options.input ?? '')
  const fields = { program: basename(program), args: args.join(' ').slice(0, 200) }
  const status = await new Promise<number>((resolve, reject) => {
    child.on('close', code => resolve(code ?? 128))
    child.on('error', cause => {
      if (options.signal.aborted) reject(options.signal.reason)
      else if (late.aborted)
        reject(
          new AppError('DEADLINE_PASSED', 'a program did not end in time', {
            ...fields,
            deadlineMs: options.deadlineMs,
          }),
        )
      else reject(new AppError('PROGRAM_FAILED', 'a program could not be started', fields, cause))
    })
  })
  if (size > OUTPUT_LIMIT)
    throw new AppError('ANSWER_TOO_LARGE', 'a program printed too much', { ...fields, limit: OUTPUT_LIMIT })
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

/** The same, but anything else than status 0 is an error; gives standard output. */
export async function mustRun(argv: readonly string[], options: ProgramOptions): Promise<string> {
  const { status, stdout, stderr } = await runProgram(argv, options)
  if (status === 0) return stdout
  throw new AppError('PROGRAM_FAILED', 'a program ended with an error', {
    program: basename(argv[0] ?? ''),
    args: argv.slice(1).join(' ').slice(0, 300),
    status,
    output: `${stderr}${stdout}`.trim().slice(-600),
  })
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.on('data', (data: Buffer) => {
    const lines = `${rest}${data.toString()}`.split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(onLine)
  })
}
