/** What both kinds of cluster stand on: the lab, the probes in its guests, the oracle, and their news. */

import { isInsideLab, ownerPid } from '../lab/inside.ts'
import type { Lab } from '../lab/lab.ts'
import { hostAddress } from '../lab/layout.ts'
import { clearStateDir, newStateDir } from '../lab/state-dir.ts'
import type { ClusterNews } from './backend.ts'
import { type OracleRun, openOracleRun } from './oracle-run.ts'
import { openProbes, type Probes } from './probes.ts'

export interface Ground extends AsyncDisposable {
  readonly probes: Probes
  readonly oracle: OracleRun
}

/** A folder that goes with this process, also when it is killed (the next lab clears it away). */
export function openFolder(): Disposable & { readonly path: string } {
  if (!isInsideLab()) throw new Error('a demo lives inside the namespaces of a lab')
  const path = newStateDir(ownerPid())
  return { path, [Symbol.dispose]: () => clearStateDir(path) }
}

/** The lab's network must be up. */
export async function openGround(lab: Lab, news: ClusterNews, probePort = 0): Promise<Ground> {
  await using stack = new AsyncDisposableStack()
  const skews = new Map<string, number>()
  const probes = stack.use(
    await openProbes(
      hostAddress('ctl'),
      said => {
        skews.set(said.node, said.skewMs)
        news.probe(said)
      },
      probePort,
    ),
  )
  const oracle = stack.use(
    await openOracleRun((node, begunAt, at) => {
      const skew = skews.get(node) ?? 0
      news.write({ node, begunAt: begunAt - skew, at: at - skew })
    }),
  )
  lab.events.on('up', ({ node }) => news.node(node, { power: 'up' }))
  lab.events.on('down', ({ node, end }) => {
    if (end.kind !== 'killed') news.ended(node, Date.now(), end.kind === 'halted' ? 'halted' : end.why)
  })
  const all = stack.move()
  return { probes, oracle, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
