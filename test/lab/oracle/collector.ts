/** Takes the writers' reports over the control network and keeps every acknowledgement. */
import { EventEmitter, once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { AppError } from '#kit/errors.ts'
import { type Ack, parseReport, type WriterReport } from './acks.ts'

/** One start of a writer process. */
export interface WriterSeen {
  readonly writer: string
  readonly node: string
  readonly resource: string
  /** Records that it found in the file when it started; undefined until it said hello. */
  readonly found: number | undefined
  readonly acknowledged: number
  readonly firstAck: Ack | undefined
  readonly lastAck: Ack | undefined
  /** Why it stopped, by its own word; a writer whose node died says nothing. */
  readonly stopped: string | undefined
}

export interface CollectorEvents {
  ack: [Ack]
  hello: [WriterReport & { kind: 'hello' }]
  stopped: [WriterReport & { kind: 'stopped' }]
  /** A line that no writer sends: evidence may be missing, so a verdict must not ignore it. */
  malformed: [string]
}

const LINE_LIMIT = 4_096

export class Collector implements AsyncDisposable {
  readonly events = new EventEmitter<CollectorEvents>()
  readonly #acks: Ack[] = []
  readonly #writers = new Map<string, WriterSeen>()
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer(socket => this.#accept(socket))
  #malformed = 0

  /** Open with openCollector. */
  async listen(address: string, port: number): Promise<void> {
    this.#server.listen(port, address)
    await once(this.#server, 'listening')
  }

  /** HOST:PORT for the writer's second argument. */
  get address(): string {
    const at = this.#server.address()
    if (at === null || typeof at === 'string') throw new AppError('LAB_FAILED', 'the collector is closed')
    return `${at.address}:${at.port}`
  }

  acks(resource?: string): readonly Ack[] {
    return resource === undefined ? this.#acks : this.#acks.filter(ack => ack.resource === resource)
  }

  /** In the order of their first report. */
  writers(resource?: string): readonly WriterSeen[] {
    return [...this.#writers.values()].filter(
      writer => resource === undefined || writer.resource === resource,
    )
  }

  get malformed(): number {
    return this.#malformed
  }

  /** Resolves with the first acknowledgement, past or future, that fits. */
  async nextAck(fits: (ack: Ack) => boolean, deadlineMs: number): Promise<Ack> {
    const known = this.#acks.find(fits)
    if (known) return known
    const { promise, resolve, reject } = Promise.withResolvers<Ack>()
    const look = (ack: Ack): void => {
      if (fits(ack)) resolve(ack)
    }
    const timer = setTimeout(
      () =>
        reject(
          new AppError('DEADLINE_PASSED', 'no writer acknowledged what was waited for', {
            deadlineMs,
            acks: this.#acks.length,
          }),
        ),
      deadlineMs,
    )
    this.events.on('ack', look)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.events.off('ack', look)
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
      if (rest.length > LINE_LIMIT) socket.destroy()
    })
    // A dead guest's connection breaks or stays silent: both are expected here.
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #take(line: string): void {
    let report: WriterReport
    try {
      report = parseReport(line, performance.now())
    } catch {
      this.#malformed++
      this.events.emit('malformed', line.slice(0, 200))
      return
    }
    this.#note(report)
    if (report.kind === 'ack') this.events.emit('ack', report.ack)
    else if (report.kind === 'hello') this.events.emit('hello', report)
    else this.events.emit('stopped', report)
  }

  #note(report: WriterReport): void {
    const { writer, node, resource } = report.kind === 'ack' ? report.ack : report
    const known = this.#writers.get(writer) ?? {
      ...{ writer, node, resource, found: undefined, acknowledged: 0 },
      ...{ firstAck: undefined, lastAck: undefined, stopped: undefined },
    }
    switch (report.kind) {
      case 'ack': {
        const { ack } = report
        this.#acks.push(ack)
        const acknowledged = known.acknowledged + 1
        this.#writers.set(writer, { ...known, acknowledged, firstAck: known.firstAck ?? ack, lastAck: ack })
        return
      }
      case 'hello':
        this.#writers.set(writer, { ...known, found: report.found })
        return
      case 'stopped':
        this.#writers.set(writer, { ...known, stopped: report.why })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }
}

/** Port 0 takes a free one; `address` tells which. */
export async function openCollector(address: string, port = 0): Promise<Collector> {
  const collector = new Collector()
  await collector.listen(address, port)
  return collector
}
