/** Gets commands and files into a guest: client of guest/agent.mjs over the control network. */
import http from 'node:http'
import { AppError } from '#kit/errors.ts'
import { EXEC_PORT, type LabNode, nodeAddress } from './layout.ts'

export interface ExecResult {
  readonly status: number
  readonly signal?: string
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  /** 60 s unless told; at the deadline the command's process group is killed in the guest. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
  /** Called with each piece as it comes. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void
}

export interface GuestBoot {
  readonly bootId: string
  readonly uptime: number
}

interface Line {
  readonly o?: string
  readonly e?: string
  readonly rc?: number
  readonly signal?: string
}

const KEEP_OUTPUT = 32 << 20
/** DRBD's own words for "nothing matched" are not needed here; a guest that does not answer connects late. */
const CONNECT_MS = 5_000

interface Call {
  readonly node: LabNode
  readonly method: string
  readonly path: string
  readonly body?: string | Buffer
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
}

/** Sends the request and gives the answer's stream; destroyed at the deadline or by the signal. */
async function openCall(call: Call, deadline: AbortSignal): Promise<http.IncomingMessage> {
  const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const request = http.request(
    {
      host: nodeAddress(call.node, 'ctl'),
      port: EXEC_PORT,
      method: call.method,
      path: call.path,
      agent: false,
      signal,
    },
    resolve,
  )
  request.on('error', reject)
  request.end(call.body ?? '')
  return await promise
}

async function called<T>(call: Call, read: (answer: http.IncomingMessage) => Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(call.deadlineMs)
  try {
    const answer = await openCall(call, deadline)
    if (answer.statusCode === 200) return await read(answer)
    throw new AppError('LAB_FAILED', 'the exec agent of a guest refused a request', {
      node: call.node,
      path: call.path,
      answer: (await bytesOf(answer)).toString().slice(0, 500),
    })
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const { node, path, deadlineMs } = call
    if (deadline.aborted) {
      const what = typeof call.body === 'string' ? call.body.slice(0, 200) : path
      throw new AppError(
        'DEADLINE_PASSED',
        'a guest did not finish in time',
        { node, what, deadlineMs },
        cause,
      )
    }
    throw new AppError('LAB_FAILED', 'a guest does not answer', { node, path }, cause)
  }
}

async function bytesOf(answer: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export function execIn(node: LabNode, script: string, options: ExecOptions = {}): Promise<ExecResult> {
  const { deadlineMs = 60_000, signal, onOutput } = options
  return called({ node, method: 'POST', path: '/run', body: script, deadlineMs, signal }, async answer => {
    const output = { stdout: '', stderr: '' }
    let end: Line | undefined
    const take = (line: Line): void => {
      for (const [stream, text] of [['stdout', line.o] as const, ['stderr', line.e] as const]) {
        if (text === undefined) continue
        output[stream] = (output[stream] + text).slice(-KEEP_OUTPUT)
        onOutput?.(stream, text)
      }
      if (line.rc !== undefined) end = line
    }
    let rest = ''
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(JSON.parse(line) as Line)
    }
    if (end?.rc === undefined)
      throw new AppError('LAB_FAILED', 'a guest broke off its answer', { node, script: script.slice(0, 200) })
    return { status: end.rc, ...(end.signal === undefined ? {} : { signal: end.signal }), ...output }
  })
}

export function signalIn(node: LabNode, pattern: string, signal: string): Promise<number[]> {
  const body = JSON.stringify({ pattern, signal })
  return called(
    { node, method: 'POST', path: '/signal', body, deadlineMs: 10_000, signal: undefined },
    async answer => {
      return (JSON.parse((await bytesOf(answer)).toString()) as { pids: number[] }).pids
    },
  )
}

export async function writeFileIn(
  node: LabNode,
  file: string,
  content: string | Buffer,
  mode = 0o644,
): Promise<void> {
  const path = `/file?path=${encodeURIComponent(file)}&mode=${mode.toString(8)}`
  await called({ node, method: 'PUT', path, body: content, deadlineMs: 60_000, signal: undefined }, bytesOf)
}

export function readFileIn(node: LabNode, file: string): Promise<Buffer> {
  const path = `/file?path=${encodeURIComponent(file)}`
  return called({ node, method: 'GET', path, deadlineMs: 120_000, signal: undefined }, bytesOf)
}

/** Which boot answers; rejects at once when nobody does. */
export function pingGuest(node: LabNode, signal: AbortSignal): Promise<GuestBoot> {
  return called({ node, method: 'GET', path: '/', deadlineMs: CONNECT_MS, signal }, async answer => {
    return JSON.parse((await bytesOf(answer)).toString()) as GuestBoot
  })
}
