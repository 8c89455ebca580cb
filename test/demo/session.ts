/** A cluster on the stage and one or several runs on it: what the demo and the end-to-end tests share. */

import type { ClusterKind } from './arguments.ts'
import type { ClusterBackend, ClusterNews } from './backend.ts'
import { openLive } from './live.ts'
import type { Fault } from './phases.ts'
import { playRun, type RunResult, recover, type ScenarioOptions, type Stage } from './scenario.ts'
import type { StoryEvent } from './story.ts'

export interface SessionOptions {
  readonly kind: ClusterKind
  readonly nodes: number
  readonly tell: (event: StoryEvent) => void
}

export interface Session extends AsyncDisposable {
  readonly backend: ClusterBackend
  /** One run; the cluster is left as the fault left it. */
  play(fault: Fault, options?: Partial<ScenarioOptions>): Promise<RunResult>
  /** Makes it whole after that run. */
  recover(result: RunResult): Promise<void>
}

async function openBackend(
  options: SessionOptions,
  news: ClusterNews,
  signal: AbortSignal,
): Promise<ClusterBackend> {
  // Each is loaded only when it is wanted: the real one brings half of the cluster tests with it.
  if (options.kind === 'real') return (await import('./real.ts')).openReal(options.nodes, news, signal)
  return (await import('./embedded.ts')).openEmbedded(options.nodes, news, signal)
}

export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const stack = new AsyncDisposableStack()
  try {
    const live = stack.use(openLive(options.tell))
    const backend = stack.use(await openBackend(options, live, signal))
    const stage: Stage = { backend, live, tell: options.tell, signal }
    let run = 0
    return {
      backend,
      play: (fault, more = {}) => playRun(stage, { fault, run: ++run, ...more }),
      recover: result => recover(stage, result.report.fault, result.victim),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
