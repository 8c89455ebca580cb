/** What a test cluster needs of the kernel lab. */
import type { LabNetwork } from './control-plane.ts'
import type { ProgramResult } from './program.ts'

export interface ClusterLab extends LabNetwork, AsyncDisposable {
  readonly nodes: readonly string[]
  /** The file behind the guest's container disk; written before the guest is booted. */
  containerDisk(node: string): string
  /** Starts a guest and waits until commands can be run in it. */
  boot(node: string): Promise<void>
  halt(node: string): Promise<void>
  /** Runs a bash script in a guest; whatever its status is, it is an answer. */
  exec(node: string, script: string, deadlineMs?: number): Promise<ProgramResult>
}

/** The container disk as the guest sees it. */
export const CONTAINER_DEVICE = '/dev/ubdb'

export interface ClusterLabWanted {
  readonly nodes: readonly string[]
  readonly memoryMib: number
}

export type OpenClusterLab = (wanted: ClusterLabWanted, signal: AbortSignal) => Promise<ClusterLab>
