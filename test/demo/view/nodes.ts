/** The block of nodes: power, DRBD, agent, pod; one line each. Pure. */
import type { NodePower, NodeSeen, Story } from '../story.ts'
import { fitText, type Line, line, type Span, span, type Tone } from './line.ts'

const POWER_TONE: Readonly<Record<NodePower, Tone>> = {
  off: 'dim',
  booting: 'warn',
  up: 'good',
  'cut off': 'bad',
  frozen: 'bad',
  isolated: 'bad',
  reset: 'bad',
}

const DISK_TONE: Readonly<Record<string, Tone>> = { UpToDate: 'good', Diskless: 'bad', Failed: 'bad' }

/** Whether what is known of a node's inside is old: nobody is there to say anything new. */
const isSilent = (power: NodePower): boolean =>
  power === 'cut off' || power === 'frozen' || power === 'off' || power === 'reset'

function drbdSpans(seen: NodeSeen): Span[] {
  if (seen.disk === undefined) return [span(fitText('', 31))]
  return [
    span(fitText(seen.role ?? '', 11), seen.role === 'Primary' ? 'bold' : 'plain'),
    span(fitText(seen.disk, 13), DISK_TONE[seen.disk] ?? 'warn'),
  ].concat(
    span(fitText(connectionWord(seen.connection), 7), seen.connection === 'Connected' ? 'plain' : 'warn'),
  )
}

/** DRBD's connection words in the six columns that are left for them. */
function connectionWord(connection: string | undefined): string {
  if (connection === undefined) return ''
  return connection === 'Connected' ? 'linked' : 'alone'
}

function nodeLine(node: string, seen: NodeSeen): Line {
  const power = seen.power ?? 'off'
  const tone = POWER_TONE[power]
  const head = [span(` ${fitText(node, 4)}`, 'bold'), span('● ', tone), span(fitText(power, 10), tone)]
  if (isSilent(power)) return line(...head)
  const agent = seen.agent ?? ''
  return line(
    ...head,
    ...drbdSpans(seen),
    span(fitText(agent, 17), agent === 'armed' ? 'plain' : 'warn'),
    span(seen.pod == null ? '' : `▶ ${seen.pod}`, 'mark'),
  )
}

export function nodeLines(story: Story): Line[] {
  const title = ['', 'node', 'DRBD', 'agent', 'pod']
  const head = line(
    span(` ${fitText(title[1]!, 16)}${fitText(title[2]!, 31)}${fitText(title[3]!, 17)}${title[4]!}`, 'dim'),
  )
  return [head, ...[...story.nodes].map(([node, seen]) => nodeLine(node, seen))]
}
