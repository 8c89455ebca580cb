/** Reports of many nodes about one DRBD resource → one state that is never rosier than any of them. */
import type { Reason, VolumeReport } from '#protocol/report.ts'
import { MAX_REASONS_LISTED, type VolumeState, type VolumeStatus } from './cluster-schema.ts'
import type { Judged } from './report-age.ts'

export interface Testimony {
  readonly node: string
  readonly volume: VolumeReport
  readonly old: boolean
}

/** All volumes that any report names, by name. */
export function volumesOf(judged: ReadonlyMap<string, Judged>): VolumeStatus[] {
  const byResource = new Map<string, Testimony[]>()
  for (const [node, { report, old }] of judged)
    for (const volume of report?.volumes ?? []) {
      const words = byResource.get(volume.resource) ?? []
      words.push({ node, volume, old: old !== undefined })
      byResource.set(volume.resource, words)
    }
  return [...byResource]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, words]) =>
      volumeStatus(
        resource,
        words.sort((a, b) => (a.node < b.node ? -1 : 1)),
      ),
    )
}

export function volumeStatus(resource: string, words: readonly Testimony[]): VolumeStatus {
  const fresh = words.filter(word => !word.old)
  const primary = fresh.filter(word => word.volume.role === 'Primary').map(word => word.node)
  const reasons = reasonsOf(words, primary)
  return {
    resource,
    state: stateOf(fresh, reasons),
    primary: primary.slice(0, 32),
    copies: words
      .slice(0, 32)
      .map(({ node, volume, old }) => ({ node, role: volume.role, disk: worstDisk(volume), old })),
    reasons: reasons.slice(0, MAX_REASONS_LISTED),
  }
}

function stateOf(fresh: readonly Testimony[], reasons: readonly Reason[]): VolumeState {
  if (fresh.length === 0) return 'unknown'
  if (fresh.some(word => word.volume.suspended.length > 0)) return 'suspended'
  if (!fresh.some(word => isCurrent(word.volume))) return 'no-current-copy'
  return reasons.length === 0 ? 'healthy' : 'degraded'
}

/** Has an own disk for each of its volumes, all UpToDate. */
function isCurrent(volume: VolumeReport): boolean {
  return volume.disks.length > 0 && volume.disks.every(disk => disk.disk === 'UpToDate')
}

function reasonsOf(words: readonly Testimony[], primary: readonly string[]): Reason[] {
  const reporting = new Set(words.map(word => word.node))
  const reasons = words.flatMap(word =>
    word.old
      ? [{ code: 'ReportOld', text: `what ${word.node} said last may be untrue by now` }]
      : [...ownReasons(word), ...peerReasons(word, reporting)],
  )
  if (primary.length > 1) reasons.push({ code: 'TwoPrimaries', text: `Primary on ${primary.join(', ')}` })
  return reasons
}

function ownReasons({ node, volume }: Testimony): Reason[] {
  const bad = volume.disks.filter(
    disk => !(disk.disk === 'UpToDate' || (disk.client === true && disk.disk === 'Diskless')),
  )
  return [
    ...(volume.disks.length === 0 ? [{ code: 'NoDevice', text: `${node} has no device of it` }] : []),
    ...bad.map(disk => ({
      code: 'DiskNotUpToDate',
      text: `${disk.disk} on ${node} (volume ${disk.volume})`,
    })),
    ...volume.suspended.map(why => ({ code: 'Suspended', text: `I/O stands still on ${node}: ${why}` })),
    ...(volume.role === 'Unknown' ? [{ code: 'RoleUnknown', text: `${node} does not know its role` }] : []),
    ...volume.reasons.map(reason => ({ code: reason.code, text: `${node}: ${reason.text}`.slice(0, 512) })),
  ]
}

function peerReasons({ node, volume }: Testimony, reporting: ReadonlySet<string>): Reason[] {
  return volume.peers.flatMap((peer): Reason[] => {
    if (peer.connection !== 'Connected')
      return [{ code: 'NotConnected', text: `${node} to ${peer.node}: ${peer.connection}` }]
    // A diskless client is no lack; a peer that lost its disk says so in its own report.
    if (peer.disk !== 'UpToDate' && peer.disk !== 'Diskless')
      return [{ code: 'PeerNotUpToDate', text: `${node} sees ${peer.disk} on ${peer.node}` }]
    if ((peer.outOfSyncBytes ?? 0) > 0)
      return [
        { code: 'OutOfSync', text: `${peer.outOfSyncBytes} bytes differ between ${node} and ${peer.node}` },
      ]
    if (!reporting.has(peer.node))
      return [{ code: 'PeerWithoutReport', text: `${peer.node} has a copy, but no report of it is here` }]
    return []
  })
}

/** In the order of how much is lost; a word that is not here is the worst. */
const DISKS_FROM_BEST = [
  'UpToDate',
  'Consistent',
  'Outdated',
  'Inconsistent',
  'Negotiating',
  'Attaching',
  'Detaching',
  'Diskless',
  'Failed',
  'DUnknown',
]

function worstDisk(volume: VolumeReport): string {
  const rank = (disk: string): number => {
    const at = DISKS_FROM_BEST.indexOf(disk)
    return at === -1 ? DISKS_FROM_BEST.length : at
  }
  return volume.disks
    .map(disk => disk.disk)
    .reduce((worst, disk) => (rank(disk) > rank(worst) ? disk : worst), volume.disks[0]?.disk ?? 'none')
}
