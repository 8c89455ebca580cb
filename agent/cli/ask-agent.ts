/** One question to the agent over its unix socket, with a deadline and a size limit. */
import { request } from 'node:http'
import { AppError } from '#kit/errors.ts'

const DEADLINE_MS = 5000
const ANSWER_LIMIT = 32 << 20

/** The parsed answer; throws AppError that says what to do when nobody answers. */
export function askAgent(socketPath: string, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const call = request({ socketPath, path, timeout: DEADLINE_MS }, answer => {
    const parts: Buffer[] = []
    let size = 0
    answer.on('data', (part: Buffer) => {
      size += part.length
      parts.push(part)
      if (size > ANSWER_LIMIT)
        call.destroy(new AppError('ANSWER_TOO_LARGE', 'the agent sent too much', { limit: ANSWER_LIMIT }))
    })
    answer.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8')
      if (answer.statusCode === 200) return resolve(JSON.parse(text))
      reject(
        new AppError('DEADLINE_PASSED', 'the agent cannot answer yet', {
          status: answer.statusCode,
          said: text.trim().slice(0, 200),
        }),
      )
    })
  })
  call.on('timeout', () =>
    call.destroy(new AppError('DEADLINE_PASSED', 'the agent did not answer in time', { socket: socketPath })),
  )
  call.on('error', error => reject(explain(error, socketPath)))
  call.end()
  return promise
}

function explain(error: Error, socket: string): Error {
  if (error instanceof AppError) return error
  const code = 'code' in error ? error.code : undefined
  if (code === 'EACCES')
    return new AppError('RIGHTS_MISSING', 'the socket of the agent is for root and its group only', {
      socket,
    })
  return new AppError('DEADLINE_PASSED', 'no agent answers on this node: is it running?', { socket }, error)
}
