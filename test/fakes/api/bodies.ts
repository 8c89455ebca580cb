/** Reading request bodies and writing answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './call.ts'
import { ApiFault, badRequest, toStatus } from './fault-status.ts'
import type { Json } from './json.ts'

/** The real server's limit. */
const BODY_LIMIT = 3 * 1024 * 1024

export async function readBody(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = chunk as Buffer
    size += bytes.length
    if (size > BODY_LIMIT)
      throw new ApiFault(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${BODY_LIMIT}`)
    chunks.push(bytes)
  }
  if (size === 0) return undefined
  const text = Buffer.concat(chunks).toString()
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw badRequest(`json parse error: ${(error as Error).message} (${text.slice(0, 60)})`)
  }
}

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer.body))
}

export function sendFault(response: ServerResponse, fault: ApiFault): void {
  const retryAfter = fault.details?.retryAfterSeconds
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  response.writeHead(fault.code, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(toStatus(fault)))
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(text)
}
