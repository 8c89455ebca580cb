/** Follows the cluster: turns its news into events for the screen, and keeps what a run is judged by. */
import { agentHappenings, agentWord, pluginHappenings } from './agent-words.ts'
import type { ClusterNews } from './backend.ts'
import type { WriteSeen } from './expectations.ts'
import type { ProbeSaid } from './probes.ts'
import { parseProcDrbd } from './proc-drbd.ts'
import type { NodeSeen, StoryEvent } from './story.ts'
import type { Happening, WallMs } from './timeline.ts'

/** One run, from a little before its fault. */
export interface RunLog {
  readonly victim: string
  /** Infinity until the fault is made: what came before it is kept for the picture, nothing of it is a phase. */
  faultAt: WallMs
  readonly happenings: Happening[]
  readonly writes: WriteSeen[]
  /** When the victim's guest ended without having been told to. */
  endedAt: WallMs | undefined
  agentBackAt: WallMs | undefined
}

export interface Live extends ClusterNews, Disposable {
  /** The newest that is known of each node. */
  readonly nodes: ReadonlyMap<string, NodeSeen>
  readonly lastWrite: WriteSeen | undefined
  readonly run: RunLog | undefined
  beginRun(victim: string): RunLog
  endRun(): void
}

const BATCH_MS = 200
const NO_AGENT = 'no agent'

export function openLive(tell: (event: StoryEvent) => void): Live {
  const nodes = new Map<string, NodeSeen>()
  let lastWrite: WriteSeen | undefined
  let run: RunLog | undefined
  let batch: { node: string; count: number; at: WallMs } | undefined

  const flush = (): void => {
    if (batch !== undefined) tell({ kind: 'writes', ...batch })
    batch = undefined
  }
  const timer = setInterval(flush, BATCH_MS)

  const node = (name: string, seen: NodeSeen): void => {
    nodes.set(name, { ...nodes.get(name), ...seen })
    tell({ kind: 'node', at: Date.now(), node: name, seen })
  }
  const happening = (found: Happening): void => {
    if (run === undefined || found.at < run.faultAt - 1000) return
    // Each phase once on the screen; the log keeps all, the timeline takes the earliest.
    const known = run.happenings.some(each => each.phase === found.phase)
    run.happenings.push(found)
    if (!known) tell({ kind: 'happening', at: Date.now(), happening: found })
  }
  const drbd = (name: string, at: WallMs, text: string): void => {
    const [line] = parseProcDrbd(text)
    const before = nodes.get(name)
    if (line === undefined) {
      if (before?.disk !== undefined) node(name, { role: '', disk: '', connection: '' })
      return
    }
    const { role, disk, connection } = line
    node(name, { role, disk, connection })
    if (run === undefined) return
    const lostPeer = name !== run.victim && before?.connection === 'Connected' && connection !== 'Connected'
    const lostDisk = name === run.victim && before?.disk === 'UpToDate' && disk !== 'UpToDate'
    if (lostPeer) happening({ at, phase: 'kernelEvent', where: name, detail: connection })
    else if (lostDisk) happening({ at, phase: 'kernelEvent', where: name, detail: `disk ${disk}` })
  }
  const status = (name: string, at: WallMs, text: string | null): void => {
    const before = nodes.get(name)?.agent
    node(name, { agent: text === null ? NO_AGENT : agentWord(text) })
    // The probe asks much more often than an agent can start again: a new one is seen after a gap.
    if (run !== undefined && name === run.victim && text !== null && before === NO_AGENT && at >= run.faultAt)
      run.agentBackAt ??= at
  }
  const probe = ({ node: name, line, skewMs }: ProbeSaid): void => {
    switch (line.kind) {
      case 'drbd':
        drbd(name, line.at, line.text)
        return
      case 'status':
        status(name, line.at, line.text)
        return
      case 'decisions':
        if (line.text === null || run === undefined) return
        for (const found of agentHappenings(line.text, name, run.victim))
          happening({ ...found, at: found.at - skewMs })
        return
      case 'steps':
        for (const found of pluginHappenings(line.text, name)) happening({ ...found, at: found.at - skewMs })
        return
      case 'hello':
        return
    }
  }
  return {
    nodes,
    get lastWrite() {
      return lastWrite
    },
    get run() {
      return run
    },
    node,
    probe,
    happening,
    step: text => tell({ kind: 'step', at: Date.now(), text }),
    write(write) {
      const { at, node: name } = write
      lastWrite = write
      if (batch !== undefined && batch.node !== name) flush()
      batch = { node: name, at, count: (batch?.count ?? 0) + 1 }
      if (run === undefined) return
      run.writes.push(write)
      if (name !== run.victim) happening({ at, phase: 'firstWrite', where: name })
    },
    ended(name, at, why) {
      node(name, { power: 'reset', pod: null })
      if (run === undefined) return
      if (name === run.victim && at >= run.faultAt) run.endedAt ??= at
      tell({ kind: 'note', at, text: `${name} has reset itself (${why})` })
    },
    beginRun(victim) {
      flush()
      run = {
        victim,
        faultAt: Number.POSITIVE_INFINITY,
        happenings: [],
        writes: [],
        endedAt: undefined,
        agentBackAt: undefined,
      }
      return run
    },
    endRun() {
      flush()
      run = undefined
    },
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}
