/** What is known of DRBD on this node: the types of the slice, in DRBD's own words. */
import type { ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type {
  ConnectionStatistics,
  DeviceStatistics,
  PeerDeviceStatistics,
  ResourceOptions,
} from '../wire/drbd-tables.ts'

/** A number that the tables of this version do not know: never equal to a word that anything is decided by. */
export type UnknownWord = `unknown:${number}`

export type Role = 'Unknown' | 'Primary' | 'Secondary'

export type DiskState =
  | 'Diskless'
  | 'Attaching'
  | 'Detaching'
  | 'Failed'
  | 'Negotiating'
  | 'Inconsistent'
  | 'Outdated'
  | 'DUnknown'
  | 'Consistent'
  | 'UpToDate'
  | UnknownWord

export type ConnectionState =
  | 'StandAlone'
  | 'Disconnecting'
  | 'Unconnected'
  | 'Timeout'
  | 'BrokenPipe'
  | 'NetworkFailure'
  | 'ProtocolError'
  | 'TearDown'
  | 'Connecting'
  | 'Connected'
  | UnknownWord

/** A replication state word as `drbdsetup events2` prints it; numbers that no table knows are `unknown:N`. */
export type ReplicationState = string

/** `disk_conf.fencing` (8.4) or `net_conf.fencing_policy` (9.x); `unknown` until the configuration was read. */
export type FencingPolicy = 'dont-care' | 'resource-only' | 'resource-and-stonith' | 'unknown'

export interface Suspended {
  readonly user: boolean
  readonly noData: boolean
  readonly fencing: boolean
  readonly quorum: boolean
}

export interface Device {
  readonly volume: number
  readonly minor: number
  readonly disk: DiskState
  readonly client: boolean
  /** Absent in 8.4 and with quorum off: true. */
  readonly hasQuorum: boolean
  readonly isOpen: boolean | undefined
  /** Of 8.4's disk configuration; 9.x keeps it with the connection. */
  readonly fencing: FencingPolicy
  readonly sizeBytes: number | undefined
  readonly backingDev?: string
  readonly statistics?: DeviceStatistics
}

/** Who holds a resync back; all false: nobody. */
export interface ResyncSuspended {
  readonly user: boolean
  readonly peer: boolean
  readonly dependency: boolean
  readonly maxParallel: boolean
}

export interface PeerDevice {
  readonly volume: number
  readonly replication: ReplicationState
  readonly peerDisk: DiskState
  readonly outOfSyncBytes: number | undefined
  /** UUID flag STABLE of the peer (9.x), for may_promote; undefined in 8.4. */
  readonly peerStable: boolean | undefined
  readonly peerClient?: boolean
  readonly resyncSuspended?: ResyncSuspended
  readonly statistics?: PeerDeviceStatistics
}

/** One network path to a peer (9.x). */
export interface Path {
  readonly local: string
  readonly peer: string
  readonly established: boolean
}

export interface Connection {
  /** 9.x: the peer's node id; 8.4 has one peer and no id: -1. */
  readonly peerNodeId: number
  readonly connName: string
  readonly state: ConnectionState
  readonly peerRole: Role
  /** `10.98.0.12:7789` or `[fd00::1]:7789`; undefined while the kernel has not told it (8.4 StandAlone). */
  readonly localAddress: string | undefined
  readonly peerAddress: string | undefined
  readonly fencing: FencingPolicy
  readonly peerDevices: ReadonlyMap<number, PeerDevice>
  /** By `local peer`; 9.x only, and only when the kernel tells them. */
  readonly paths?: ReadonlyMap<string, Path>
  readonly statistics?: ConnectionStatistics
}

export interface Resource {
  readonly name: ResourceName
  readonly role: Role
  readonly suspended: Suspended
  readonly failIo: boolean
  readonly devices: ReadonlyMap<number, Device>
  readonly connections: ReadonlyMap<number, Connection>
  readonly writeOrdering?: string
  /** As configured (quorum, on_no_quorum, auto_promote, …); undefined until the configuration was read. */
  readonly options?: ResourceOptions
}

/** A call of a user-mode helper by the kernel, and what it answered. */
export interface HelperCall {
  readonly resource: string
  readonly peerNodeId: number | undefined
  readonly volume: number | undefined
  readonly helper: string
  readonly calledAt: MonoMs | undefined
  readonly endedAt: MonoMs | undefined
  /** Exit code of the helper; negative: it could not be run (errno). Undefined while it runs. */
  readonly exitCode: number | undefined
}

/** `starting`: nothing was read yet. `no module`: the kernel has no family drbd. `resync`: what is held may be old, a dump runs. */
export type DrbdPhase = 'starting' | 'no module' | 'resync' | 'live'

export interface DrbdState {
  readonly phase: DrbdPhase
  /** 1 = 8.4, 2 = 9.x, undefined without a module. */
  readonly familyVersion: 1 | 2 | undefined
  readonly resources: ReadonlyMap<ResourceName, Resource>
  /** Unknown attributes, numbers and commands met so far, by name, with how often. */
  readonly unknown: ReadonlyMap<string, number>
  /** The last calls of helpers, oldest first. */
  readonly helpers?: readonly HelperCall[]
  /** When the configuration (fencing policy, options, addresses) was last read whole. */
  readonly configuredAt?: MonoMs
}

export const NO_DRBD: DrbdState = {
  phase: 'starting',
  familyVersion: undefined,
  resources: new Map(),
  unknown: new Map(),
}
