/** Notices of DRBD and their events, made short for tests of the reducer. */
import { type DrbdEvent, reduceDrbd } from '../../../agent/state/drbd.ts'
import { type DrbdState, NO_DRBD } from '../../../agent/state/drbd-model.ts'
import type { DrbdNotice, NoticeHow } from '../../../agent/wire/drbd-notice.ts'

export const calm = { user: false, noData: false, fencing: false, quorum: false }
export const noResync = { user: false, peer: false, dependency: false, maxParallel: false }
export const head = (resource: string, how: NoticeHow) => ({
  how,
  continues: false,
  resource,
  unknown: [] as string[],
})

export const resource = (
  name: string,
  how: NoticeHow,
  role: 'Primary' | 'Secondary' = 'Secondary',
): DrbdNotice => ({
  ...head(name, how),
  object: 'resource',
  newName: undefined,
  info: how === 'destroy' ? undefined : { role, suspended: calm, failIo: false, writeOrdering: 'flush' },
})
export const device = (
  name: string,
  volume: number,
  how: NoticeHow,
  disk: 'UpToDate' | 'Diskless' = 'UpToDate',
): DrbdNotice => ({
  ...head(name, how),
  object: 'device',
  volume,
  minor: 1000 + volume,
  info:
    how === 'destroy'
      ? undefined
      : {
          disk,
          client: false,
          hasQuorum: true,
          isOpen: false,
          backingDev: undefined,
          statistics: { dev_size: 2048n },
        },
})
export const connection = (
  name: string,
  peerNodeId: number,
  how: NoticeHow,
  state: 'Connected' | 'Connecting' = 'Connected',
): DrbdNotice => ({
  ...head(name, how),
  object: 'connection',
  peerNodeId,
  connName: `n${peerNodeId}`,
  localAddress: undefined,
  peerAddress: undefined,
  info: how === 'destroy' ? undefined : { state, peerRole: 'Secondary', statistics: undefined },
})
export const peerDevice = (
  name: string,
  peerNodeId: number,
  volume: number,
  how: NoticeHow,
  peerDisk: 'UpToDate' | 'Outdated' = 'UpToDate',
): DrbdNotice => ({
  ...head(name, how),
  object: 'peer-device',
  peerNodeId,
  volume,
  info:
    how === 'destroy'
      ? undefined
      : {
          replication: 'Established',
          peerDisk,
          peerClient: false,
          resyncSuspended: noResync,
          peerStable: true,
          statistics: { peer_dev_out_of_sync: 8n },
        },
})
export const path = (
  name: string,
  peerNodeId: number,
  local: string,
  how: NoticeHow,
  established: boolean,
): DrbdNotice => ({
  ...head(name, how),
  object: 'path',
  peerNodeId,
  local,
  peer: `10.0.0.${peerNodeId}:7000`,
  established,
})
export const helper = (how: 'call' | 'response', status = 0): DrbdNotice => ({
  ...head('a', how),
  object: 'helper',
  peerNodeId: undefined,
  volume: 0,
  helper: 'fence-peer',
  status,
})
export const batch = (...notices: DrbdNotice[]): DrbdEvent => ({ kind: 'drbd-batch', at: 5, notices })
export const snapshot = (...notices: DrbdNotice[]): DrbdEvent => ({
  kind: 'drbd-snapshot',
  at: 9,
  familyVersion: 2,
  notices,
})
export const after = (...events: DrbdEvent[]): DrbdState => events.reduce(reduceDrbd, NO_DRBD)
export const only = (state: DrbdState) => {
  const [one] = state.resources.values()
  if (one === undefined) throw new Error('no resource')
  return one
}
export const whole = [
  resource('a', 'exists'),
  connection('a', 1, 'exists'),
  device('a', 0, 'exists'),
  peerDevice('a', 1, 0, 'exists'),
]
