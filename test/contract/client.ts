/** Plain HTTP to whichever API server the contract is checked against. */
import { Agent, request } from 'undici'

/** Whom to talk to; nothing here says which server it is. */
export interface ContractTarget {
  readonly url: string
  /** PEM of the authority, when the server speaks TLS. */
  readonly ca?: string
  readonly token: string
  /** Forgets old versions, as a server does that starts anew on a compacted etcd. */
  forget(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: answers of an API server, read by tests only
export type Body = any

export interface Reply {
  readonly code: number
  readonly body: Body
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface WatchEvent {
  readonly type: string
  readonly object: Body
  readonly atMs: number
}

export const JSON_PATCH = 'application/json-patch+json'
export const MERGE_PATCH = 'application/merge-patch+json'
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'
export const APPLY_PATCH = 'application/apply-patch+yaml'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

const DEADLINE_MS = 20_000

export class ContractClient implements AsyncDisposable {
  readonly target: ContractTarget
  readonly #agent: Agent

  constructor(target: ContractTarget) {
    this.target = target
    const connect = target.ca === undefined ? {} : { connect: { ca: target.ca } }
    this.#agent = new Agent({ ...connect, bodyTimeout: 0 })
  }

  async call(
    method: Method,
    path: string,
    body?: unknown,
    contentType = 'application/json',
    token = this.target.token,
  ): Promise<Reply> {
    const answer = await request(`${this.target.url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        'content-type': contentType,
        'user-agent': 'contract/1',
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    const text = await answer.body.text()
    const isJson = String(answer.headers['content-type']).startsWith('application/json')
    return { code: answer.statusCode, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
  }

  get = (path: string): Promise<Reply> => this.call('GET', path)
  post = (path: string, body: unknown): Promise<Reply> => this.call('POST', path, body)
  put = (path: string, body: unknown): Promise<Reply> => this.call('PUT', path, body)
  delete = (path: string, body?: unknown): Promise<Reply> => this.call('DELETE', path, body)
  patch = (path: string, body: unknown, contentType: string): Promise<Reply> =>
    this.call('PATCH', path, body, contentType)

  apply(path: string, manager: string, body: unknown, force = false): Promise<Reply> {
    return this.patch(`${path}?fieldManager=${manager}&force=${force}`, body, APPLY_PATCH)
  }

  /** The events of a watch until it ends, or until there are `count`, or until `untilMs` is over. */
  async watch(
    path: string,
    { count = Number.POSITIVE_INFINITY, untilMs = DEADLINE_MS } = {},
  ): Promise<WatchEvent[]> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), untilMs)
    const events: WatchEvent[] = []
    try {
      const answer = await request(`${this.target.url}${path}`, {
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.target.token}` },
        signal: stop.signal,
      })
      for await (const line of linesOf(answer.body)) {
        events.push({ ...JSON.parse(line), atMs: performance.now() })
        if (events.length >= count) break
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
      stop.abort()
    }
    return events
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of body) {
    rest += Buffer.from(chunk).toString()
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(line => line !== '')
  }
}
