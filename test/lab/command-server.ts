/** The lab of the command line: one process keeps it open and takes commands on a unix socket. */

import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { AppError, sayError } from '#kit/errors.ts'
import { COMMANDS, type CommandIo } from './command-table.ts'
import type { Lab } from './lab.ts'

const BODY_LIMIT = 1 << 20

/** Serves until `down` is asked for or the signal comes. */
export async function serveCommands(lab: Lab, socket: string, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    void answer(lab, request, response).then(isDown => {
      if (isDown) over.resolve()
    })
  })
  rmSync(socket, { force: true })
  server.listen(socket)
  await once(server, 'listening')
  signal.addEventListener('abort', () => over.resolve(), { once: true })
  await over.promise
  server.closeAllConnections()
  server.close()
}

/** The body is a JSON array, the command and its arguments; the answer JSON lines {o}, {e}, last {rc}. */
async function answer(lab: Lab, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const say = (object: object): boolean => response.write(`${JSON.stringify(object)}\n`)
  const io: CommandIo = { out: o => say({ o }), err: e => say({ e }), signal: gone.signal }
  try {
    const [name = '', ...args] = await readCommand(request)
    const isDown = name === 'down'
    if (isDown) await lab[Symbol.asyncDispose]()
    const status = isDown ? 0 : await commandNamed(name).run(lab, args, io)
    say({ rc: typeof status === 'number' ? status : 0 })
    response.end()
    return isDown
  } catch (error) {
    say({
      e: `${sayError(error)}\n`,
      rc: error instanceof AppError && error.code === 'ARGUMENT_INVALID' ? 64 : 1,
    })
    response.end()
    return false
  }
}

export function commandNamed(name: string) {
  const command = COMMANDS[name]
  if (!command) throw new AppError('ARGUMENT_INVALID', 'no such command', { given: name })
  return command
}

async function readCommand(request: IncomingMessage): Promise<string[]> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > BODY_LIMIT)
      throw new AppError('ANSWER_TOO_LARGE', 'a command is too long', { limit: BODY_LIMIT })
  }
  const words: unknown = JSON.parse(text)
  if (Array.isArray(words) && words.every(word => typeof word === 'string')) return words
  throw new AppError('ARGUMENT_INVALID', 'a command is a list of words')
}
