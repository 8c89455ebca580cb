/** A bare HTTP server for answers that no well-behaved API server gives. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '#kit/clock.ts'
import { type Api, openApi } from '../../../coordinator/kube/request.ts'
import { openSession, type Session } from '../../../coordinator/kube/session.ts'

export interface Plain extends AsyncDisposable {
  readonly url: string
  readonly session: Session
  readonly api: Api
  readonly requests: readonly {
    readonly method: string
    readonly url: string
    readonly headers: IncomingMessage['headers']
  }[]
}

export async function openPlain(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Plain> {
  const requests: { method: string; url: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { session, api } = await openTo(url)
  return {
    url,
    session,
    api,
    requests,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
    },
  }
}

export async function openTo(url: string): Promise<{ readonly session: Session; readonly api: Api }> {
  const session = await openSession({ kind: 'plain', server: url }, systemClock)
  return { session, api: openApi(session, 'test') }
}
