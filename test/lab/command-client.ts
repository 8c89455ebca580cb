/** Talks to the process that keeps the command line's lab. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { AppError } from '#kit/errors.ts'
import { onlyChild } from './inside.ts'
import { stateRoot } from './state-dir.ts'

export function labSocket(): string {
  return path.join(stateRoot(), 'lab.sock')
}

/** Number of the process outside that the lab lives and dies with. */
export function ownerFile(): string {
  return path.join(stateRoot(), 'lab.owner')
}

interface Line {
  readonly o?: string
  readonly e?: string
  readonly rc?: number
}

/** Resolves with the command's exit status. */
export async function sendCommand(
  words: readonly string[],
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const request = http.request({ socketPath: labSocket(), method: 'POST', agent: false }, resolve)
  request.on('error', cause =>
    reject(new AppError('LAB_FAILED', 'no lab is up; start one with up', {}, cause)),
  )
  request.end(JSON.stringify(words))
  let status = 1
  let rest = ''
  for await (const chunk of (await promise).setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { o, e, rc } = JSON.parse(line) as Line
      if (o !== undefined) out.write(o)
      if (e !== undefined) err.write(e)
      if (rc !== undefined) status = rc
    }
  }
  return status
}

export async function isLabUp(): Promise<boolean> {
  if (!existsSync(labSocket())) return false
  const nowhere = { write: () => true } as unknown as NodeJS.WritableStream
  return await sendCommand(['ps'], nowhere, nowhere).then(
    () => true,
    () => false,
  )
}

/** Owner → unshare → first process of the namespaces: that one's network. */
export async function runInNet(argv: readonly string[]): Promise<number> {
  const owner = existsSync(ownerFile()) ? Number(readFileSync(ownerFile(), 'utf8')) : undefined
  const wrapper = owner === undefined ? undefined : onlyChild(owner)
  const first = wrapper === undefined ? undefined : onlyChild(wrapper)
  if (first === undefined) throw new AppError('LAB_FAILED', 'no lab is up; start one with up')
  if (argv.length === 0) throw new AppError('ARGUMENT_INVALID', 'in-net needs a program')
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']
  const child = spawn('nsenter', ['--target', String(first), ...asUser, '--net', '--', ...argv], {
    stdio: 'inherit',
  })
  const [status, signal] = await once(child, 'exit')
  return status ?? (signal === null ? 1 : 128)
}
