/** What the story needs of a cluster, whether its API server is the embedded stand-in or Kubernetes itself. */
import type { Lab } from '../lab/lab.ts'
import type { ClusterKind } from './arguments.ts'
import type { DeleteCall, Verdict, WriteSeen } from './expectations.ts'
import type { ProbeSaid } from './probes.ts'
import type { NodeSeen } from './story.ts'
import type { Happening, WallMs } from './timeline.ts'

/** What comes in from the cluster while it lives. */
export interface ClusterNews {
  step(text: string): void
  node(node: string, seen: NodeSeen): void
  /** A line of a guest's probe, times corrected. */
  probe(said: ProbeSaid): void
  /** A phase that the API server or a node plugin showed. */
  happening(happening: Happening): void
  /** An acknowledged write. */
  write(write: WriteSeen): void
  /** A guest has ended or reset itself, without having been told to. */
  ended(node: string, at: WallMs, why: string): void
}

export interface FaultTools {
  cutPower(node: string): Promise<void>
  isolate(node: string): Promise<void>
  heal(node: string): Promise<void>
  freeze(node: string): Promise<void>
  thaw(node: string): Promise<void>
  killAgent(node: string): Promise<void>
  failDisk(node: string): Promise<void>
  healDisk(node: string): Promise<void>
}

export interface ClusterBackend extends AsyncDisposable {
  readonly kind: ClusterKind
  readonly nodes: readonly string[]
  readonly lab: Lab
  readonly faults: FaultTools
  /** The pod of the workload as the API server has it now. */
  podNode(): Promise<string | undefined>
  /** Delete calls on pods of the workload since then that came from agents. */
  podDeletes(since: WallMs): Promise<readonly DeleteCall[]>
  /** From now on acknowledged writes count for the next verdict. */
  beginRun(): Promise<void>
  /** Reads back, where the pod is now, what was acknowledged since beginRun. */
  verdict(): Promise<Verdict>
  /** Makes the node a whole member again, whatever state it is in. */
  comeBack(node: string): Promise<void>
  /** Takes the API server away and gives it back; only where that can be done. */
  apiDown?(): Promise<void>
  apiUp?(): Promise<void>
  /** For --keep: commands of `npm run lab --` that show something. */
  lookAround(): readonly string[]
}
