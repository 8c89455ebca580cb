/** Reads the recordings beside this file: what real kernels sent, as datagrams. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const at = (path: string): URL => new URL(path, import.meta.url)
const text = (path: string): string => readFileSync(at(path), 'utf8')
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

export interface Recorded {
  readonly ms: number
  readonly bytes: Uint8Array
}

export const VERSIONS_9 = ['9.2.18', '9.3.3'] as const

/** One node's life in one scenario: `9.3.3/04-net-cut-primary-io-error/n2`, or `…/n2.boot1` where the guest was killed. */
export interface Life {
  readonly name: string
  /** Undefined: this life began before the listener did. */
  readonly start: readonly Uint8Array[] | undefined
  readonly events: readonly Recorded[]
  /** Undefined: the guest was killed. */
  readonly end: readonly Uint8Array[] | undefined
  readonly events2: readonly string[]
  /** What `drbdsetup status --json --verbose --statistics` printed at the end. */
  readonly status: unknown
}

export function lives(version: string): Life[] {
  const root = `drbd-9/${version}`
  return readdirSync(at(root)).flatMap(scenario =>
    readdirSync(at(`${root}/${scenario}`))
      .filter(file => file.endsWith('.netlink.txt'))
      .map(file => life(`${root}/${scenario}/${file.replace('.netlink.txt', '')}`, `${version}/${scenario}`)),
  )
}

function life(base: string, name: string): Life {
  const start = `${base}.dumps-start.txt`
  const end = `${base}.dumps-end.txt`
  const events2 = `${base}.events2-9.34.txt`
  const status = `${base}.status-9.34.json`
  return {
    name: `${name}/${base.slice(base.lastIndexOf('/') + 1)}`,
    start: existsSync(at(start)) ? dumpOf(start, 'initial-state') : undefined,
    events: netlinkLines(`${base}.netlink.txt`),
    end: existsSync(at(end)) ? dumpOf(end, 'initial-state') : undefined,
    events2: existsSync(at(events2)) ? text(events2).trimEnd().split('\n') : [],
    status: existsSync(at(status)) ? JSON.parse(text(status)) : undefined,
  }
}

export function netlinkLines(path: string): Recorded[] {
  return text(path)
    .split('\n')
    .flatMap(line => {
      const [kind, mono, , hex] = line.split(' ')
      return kind === 'E' && hex !== undefined ? [{ ms: Number(mono) / 1e6, bytes: bytesOf(hex) }] : []
    })
}

/** The datagrams of one of the six dumps in a `dumps-*.txt`. */
export function dumpOf(path: string, section: string): Uint8Array[] {
  const part = text(path)
    .split(/^## /m)
    .find(each => each.startsWith(`${section}\n`))
  return (part ?? '').split('\n').flatMap(line => {
    const [kind, , , hex] = line.split(' ')
    return kind === 'R' && hex !== undefined ? [bytesOf(hex)] : []
  })
}

export function dumpFiles9(version: string): string[] {
  const root = `drbd-9/${version}`
  return readdirSync(at(root)).flatMap(scenario =>
    readdirSync(at(`${root}/${scenario}`))
      .filter(file => file.includes('.dumps-'))
      .map(file => `${root}/${scenario}/${file}`),
  )
}

export type StoryLine = { readonly ms: number; readonly mark: string } | Recorded

/** A story of DRBD 8.4: datagrams, and marks that say what was done. */
export function story84(name: string, node: string): StoryLine[] {
  return text(`drbd-8.4/events/${name}.${node}.jsonl`)
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { ms?: number; mark?: string; hex?: string })
    .flatMap(({ ms = 0, mark, hex }): StoryLine[] => {
      if (mark !== undefined) return [{ ms, mark }]
      return hex === undefined ? [] : [{ ms, bytes: bytesOf(hex) }]
    })
}

export function stories84(): { name: string; node: string }[] {
  return readdirSync(at('drbd-8.4/events'))
    .filter(file => file.endsWith('.jsonl'))
    .map(file => {
      const [name = '', node = ''] = file.split('.')
      return { name, node }
    })
}

export interface Dump84 {
  readonly moved: boolean
  /** By request: GET_RESOURCES, …, GET_INITIAL_STATE. */
  readonly answers: ReadonlyMap<string, readonly Uint8Array[]>
  readonly requests: ReadonlyMap<string, Uint8Array>
  readonly text: Readonly<Record<string, string>>
}

export function dump84(state: string, node: string): Dump84 {
  const file = JSON.parse(text(`drbd-8.4/dumps/${state}.${node}.json`)) as {
    moved: boolean
    netlink: Record<string, { request: string; answer: string[] }>
    text: Record<string, string>
  }
  const entries = Object.entries(file.netlink)
  return {
    moved: file.moved,
    answers: new Map(entries.map(([name, { answer }]) => [name, answer.map(bytesOf)])),
    requests: new Map(entries.map(([name, { request }]) => [name, bytesOf(request)])),
    text: file.text,
  }
}

export function dumps84(): { state: string; node: string }[] {
  return readdirSync(at('drbd-8.4/dumps')).map(file => {
    const [state = '', node = ''] = file.split('.')
    return { state, node }
  })
}

export function family84(): Uint8Array {
  return bytesOf((JSON.parse(text('drbd-8.4/family.json')) as { answer: string }).answer)
}
