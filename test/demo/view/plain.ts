/** The same story as single lines, for pipes and log files: each event says its line once. Pure. */
import { PHASE_WORDS } from '../phases.ts'
import type { NodeSeen, Story, StoryEvent } from '../story.ts'
import { type Line, line, span } from './line.ts'
import { grouped, sinceFault } from './numbers.ts'
import { expectationLine, verdictSentence } from './verdict-lines.ts'

function seconds(story: Story, at: number): string {
  return `${((at - story.startedAt) / 1000).toFixed(1).padStart(7)} s  `
}

const NODE_FIELDS = ['power', 'role', 'disk', 'connection', 'agent', 'pod'] as const

/** Only what changed: a poll that sees the same again says nothing. */
function nodeWords(before: NodeSeen | undefined, seen: NodeSeen): string[] {
  return NODE_FIELDS.filter(field => seen[field] !== undefined && seen[field] !== before?.[field]).map(
    field =>
      field === 'pod'
        ? seen.pod == null
          ? 'no pod'
          : `pod ${seen.pod}`
        : field === 'agent'
          ? `agent ${seen.agent}`
          : `${seen[field]}`,
  )
}

/** What to print for an event, given the state before it. */
export function plainLines(before: Story, event: StoryEvent): Line[] {
  const head = span(seconds(before, event.at), 'dim')
  switch (event.kind) {
    case 'run':
      return before.head.runs === 1
        ? []
        : [line(head, span(`run ${event.run} of ${before.head.runs}: ${event.victim}`, 'bold'))]
    case 'step':
      return [line(head, span(event.text))]
    case 'node': {
      const words = nodeWords(before.nodes.get(event.node), event.seen)
      return words.length === 0 ? [] : [line(head, span(`${event.node}: ${words.join(', ')}`))]
    }
    case 'writes':
      return writesLine(before, event.at, event.node, event.count, head.text)
    case 'fault':
      return [
        line(
          head,
          span(event.text, 'bad'),
          span(` (acknowledged so far ${grouped(before.writes.total)})`, 'dim'),
        ),
      ]
    case 'happening': {
      const { happening } = event
      const ms = before.fault === undefined ? 0 : Math.round(happening.at - before.fault.at)
      const what = `${sinceFault(ms, 12)}  ${PHASE_WORDS[happening.phase]} (${happening.where})`
      return [
        line(head, span(what), span(happening.detail === undefined ? '' : `  ${happening.detail}`, 'dim')),
      ]
    }
    case 'note':
      return [line(head, span(event.text, 'dim'))]
    case 'verdict':
      return [
        ...event.expectations.map(expectationLine),
        line(span(verdictSentence(event.verdict), event.expectations.every(e => e.holds) ? 'good' : 'bad')),
      ]
  }
}

/** The counter speaks once in two seconds, and at once when another node has begun to write. */
function writesLine(before: Story, at: number, node: string, count: number, head: string): Line[] {
  const { writes } = before
  const turned = Math.floor((writes.lastAt ?? 0) / 2000) !== Math.floor(at / 2000)
  if (!turned && writes.lastNode === node) return []
  return [line(span(head, 'dim'), span(`acknowledged ${grouped(writes.total + count)} on ${node}`))]
}
