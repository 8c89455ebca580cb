/** A client of the API server for the stand-ins around it: plain fetch, so that it runs in a guest as well. */
import type { KubeObject } from '../api/json.ts'

export interface ClientCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly patch?: 'json-patch' | 'merge-patch' | 'strategic-merge-patch'
}

export interface ClientAnswer {
  readonly status: number
  readonly body: KubeObject & { readonly items?: readonly KubeObject[]; readonly message?: string }
}

export interface WatchLine {
  readonly type: string
  readonly object: KubeObject
}

export interface ControlClient {
  call(call: ClientCall): Promise<ClientAnswer>
  /** The lines of one watch, until it ends, breaks, or the signal says so. */
  stream(path: string, signal: AbortSignal): AsyncGenerator<WatchLine>
}

const DEADLINE_MS = 5_000

export function openControlClient(url: string, token: string): ControlClient {
  const authorization = `Bearer ${token}`
  return {
    async call({ method, path, body, patch }) {
      const answer = await fetch(url + path, {
        method,
        headers: {
          authorization,
          'content-type': `application/${patch === undefined ? 'json' : `${patch}+json`}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(DEADLINE_MS),
      })
      const text = await answer.text()
      return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : {} }
    },
    async *stream(path, signal) {
      const answer = await fetch(url + path, { headers: { authorization }, signal })
      if (answer.body === null) return
      let rest = ''
      const decoder = new TextDecoder()
      for await (const chunk of answer.body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchLine
      }
    },
  }
}
