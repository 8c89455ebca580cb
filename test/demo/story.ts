/** What the screen knows: events of the scenario, reduced to one state. Pure. */
import type { Expectation, Verdict } from './expectations.ts'
import type { Fault } from './phases.ts'
import type { Happening, WallMs } from './timeline.ts'

export type NodePower = 'off' | 'booting' | 'up' | 'cut off' | 'frozen' | 'isolated' | 'reset'

export interface NodeSeen {
  readonly power?: NodePower
  readonly role?: string
  readonly disk?: string
  readonly connection?: string
  /** What its agent says of itself: `armed`, `not armed: …`, `none`. */
  readonly agent?: string
  /** The pod that runs here. */
  readonly pod?: string | null
}

export type StoryEvent =
  | { readonly kind: 'run'; readonly at: WallMs; readonly run: number; readonly victim: string }
  | { readonly kind: 'step'; readonly at: WallMs; readonly text: string }
  | { readonly kind: 'node'; readonly at: WallMs; readonly node: string; readonly seen: NodeSeen }
  /** Acknowledged writes since the last such event; `at` is that of the newest. */
  | { readonly kind: 'writes'; readonly at: WallMs; readonly node: string; readonly count: number }
  | { readonly kind: 'fault'; readonly at: WallMs; readonly node: string; readonly text: string }
  | { readonly kind: 'happening'; readonly at: WallMs; readonly happening: Happening }
  | { readonly kind: 'note'; readonly at: WallMs; readonly text: string }
  | {
      readonly kind: 'verdict'
      readonly at: WallMs
      readonly verdict: Verdict
      readonly expectations: readonly Expectation[]
    }

export interface StoryHead {
  readonly fault: Fault
  readonly cluster: string
  readonly runs: number
  readonly nodes: readonly string[]
}

export interface Note {
  readonly at: WallMs
  readonly text: string
}

export interface Writes {
  readonly total: number
  readonly lastAt: WallMs | undefined
  readonly lastNode: string | undefined
  /** Acknowledged writes by slot of SLOT_MS and node, oldest first; only as many as a screen can show. */
  readonly slots: ReadonlyMap<number, { readonly node: string; readonly count: number }>
}

export interface Story {
  readonly head: StoryHead
  readonly startedAt: WallMs
  readonly run: number
  readonly victim: string | undefined
  readonly step: string
  readonly nodes: ReadonlyMap<string, NodeSeen>
  readonly writes: Writes
  readonly fault: { readonly at: WallMs; readonly text: string } | undefined
  readonly happenings: readonly Happening[]
  readonly notes: readonly Note[]
  readonly verdict: Verdict | undefined
  readonly expectations: readonly Expectation[]
  /** Runs that have ended, and how many of them were as they must be. */
  readonly ended: number
  readonly good: number
}

export const SLOT_MS = 250
const SLOTS_KEPT = 400

const NO_WRITES: Writes = { total: 0, lastAt: undefined, lastNode: undefined, slots: new Map() }

export function newStory(head: StoryHead, startedAt: WallMs): Story {
  return {
    head,
    startedAt,
    run: 1,
    victim: undefined,
    step: '',
    nodes: new Map(head.nodes.map(node => [node, { power: 'off' } satisfies NodeSeen])),
    writes: NO_WRITES,
    fault: undefined,
    happenings: [],
    notes: [],
    verdict: undefined,
    expectations: [],
    ended: 0,
    good: 0,
  }
}

function countWrites(writes: Writes, at: WallMs, node: string, count: number): Writes {
  const slots = new Map(writes.slots)
  const slot = Math.floor(at / SLOT_MS)
  slots.set(slot, { node, count: (slots.get(slot)?.count ?? 0) + count })
  for (const old of slots.keys()) {
    if (slots.size <= SLOTS_KEPT) break
    slots.delete(old)
  }
  return { total: writes.total + count, lastAt: at, lastNode: node, slots }
}

export function reduceStory(story: Story, event: StoryEvent): Story {
  switch (event.kind) {
    case 'run':
      return {
        ...story,
        run: event.run,
        victim: event.victim,
        writes: { ...NO_WRITES, slots: story.writes.slots },
        fault: undefined,
        happenings: [],
        notes: [],
        verdict: undefined,
        expectations: [],
      }
    case 'step':
      return { ...story, step: event.text }
    case 'node':
      return {
        ...story,
        nodes: new Map(story.nodes).set(event.node, { ...story.nodes.get(event.node), ...event.seen }),
      }
    case 'writes':
      return { ...story, writes: countWrites(story.writes, event.at, event.node, event.count) }
    case 'fault':
      return { ...story, fault: { at: event.at, text: event.text } }
    case 'happening':
      return { ...story, happenings: [...story.happenings, event.happening] }
    case 'note':
      return { ...story, notes: [...story.notes, { at: event.at, text: event.text }] }
    case 'verdict': {
      const good = event.expectations.every(expectation => expectation.holds)
      return {
        ...story,
        verdict: event.verdict,
        expectations: event.expectations,
        ended: story.ended + 1,
        good: story.good + (good ? 1 : 0),
      }
    }
  }
}
