/** The status document as text for a terminal of 80 columns; pure. */
import type { DecisionStatus, NodeStatus, StatusDocument, VolumeStatus } from '#protocol/status.ts'

const WIDTH = 80
const LAST = 12

export function renderStatus(status: StatusDocument, decisions: readonly DecisionStatus[]): string {
  const lines = [
    ...head(status),
    '',
    ...table(['NODE', 'STATE', 'ARMED', 'HEARD', 'LEASE', 'FAILOVER'], status.nodes.map(nodeRow)),
    ...status.nodes
      .filter(node => node.missing !== undefined)
      .map(node => cut(`  ${node.node}: no proof: ${node.missing}`)),
    '',
    ...volumes(status),
    '',
    'LAST DECISIONS',
    ...(decisions.length === 0 ? ['  none yet'] : decisions.slice(-LAST).map(decisionLine)),
  ]
  return `${lines.join('\n')}\n`
}

function head(status: StatusDocument): string[] {
  const { drbd, lease, watchdog, members } = status
  const version = drbd.family === undefined ? '' : drbd.family === 1 ? ' (8.4)' : ' (9)'
  const held = lease.held ? `held, ${seconds(lease.leftMs)} left` : `not held: ${lease.because}`
  const fed = watchdog.fedMsAgo === undefined ? '' : `, fed ${seconds(watchdog.fedMsAgo)} ago`
  const dog = watchdog.armed
    ? `armed, resets after ${seconds(watchdog.resetMs)}${fed}`
    : (watchdog.failure ?? watchdog.device)
  const api =
    status.apiReachable === undefined ? 'not asked yet' : status.apiReachable ? 'reachable' : 'not reachable'
  return [
    `node ${status.node}, agent ${status.agentVersion}, ${status.at}`,
    `  DRBD      ${drbd.phase}${version}${drbd.unknown === 0 ? '' : `, ${drbd.unknown} unknown words`}`,
    `  members   ${members.count}, majority ${members.majority}${members.heldBack ? '; another list waits for a clean stop' : ''}`,
    `  lease     ${held}`,
    `  watchdog  ${dog}`,
    `  API       ${api}`,
  ].map(cut)
}

function nodeRow(node: NodeStatus): string[] {
  const over = node.condemnedBy === undefined ? '' : ` (${node.condemnedBy})`
  const self = node.state === 'self'
  return [
    node.node,
    self ? 'this node' : `${node.state}${over}`,
    node.armed ? 'yes' : 'no',
    self ? '-' : ago(node.heardMsAgo),
    self ? '-' : ago(node.grantedMsAgo),
    node.failover === 'none' ? '-' : node.failover,
  ]
}

function volumes({ volumes: list, volumesLeftOff }: StatusDocument): string[] {
  if (list.length === 0) return ['VOLUMES', '  none on this node']
  const rows = list.flatMap(volumeRows)
  const more = volumesLeftOff === 0 ? [] : [`  and ${volumesLeftOff} more`]
  return [...table(['VOLUME', 'ROLE', 'DISK', 'PEER', 'CONNECTION', 'PEER ROLE', 'PEER DISK'], rows), ...more]
}

function volumeRows(volume: VolumeStatus): string[][] {
  const trouble = [
    ...volume.suspended.map(word => `suspended:${word}`),
    ...(volume.failsIo ? ['fails I/O'] : []),
  ]
  const disks = [...new Set(volume.disks.map(({ disk }) => disk))].join(',')
  const own = [volume.resource, volume.role, disks === '' ? '-' : disks]
  const rows = volume.peers.map((peer, index) => [
    ...(index === 0 ? own : ['', '', '']),
    peer.node,
    peer.replication === 'Established' || peer.replication === 'Off' ? peer.connection : peer.replication,
    peer.role,
    peer.disk,
  ])
  return [
    ...(rows.length === 0 ? [[...own, '-', '-', '-', '-']] : rows),
    ...trouble.map(word => [`  ${word}`]),
  ]
}

function decisionLine({ at, topic, subject, verdict, because }: DecisionStatus): string {
  const why = because === '' ? '' : `: ${because}`
  return cut(`  ${at.slice(11, 23)} ${topic} ${subject} → ${verdict}${why}`)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    cut(
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
        .join('')
        .trimEnd(),
    )
  return [head, ...rows].map(line)
}

function ago(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${seconds(ms)} ago`
}

function seconds(ms: number | undefined): string {
  return `${((ms ?? 0) / 1000).toFixed(1)} s`
}

function cut(line: string): string {
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`
}
