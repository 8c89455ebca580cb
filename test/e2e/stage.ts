/** A session for end-to-end tests: the demo's own, told into the test's comments, judged by the demo's own expectations. */
import type { ClusterKind } from '../demo/arguments.ts'
import type { RunResult } from '../demo/scenario.ts'
import { openSession, type Session } from '../demo/session.ts'
import { newStory, reduceStory, type Story } from '../demo/story.ts'
import { paintPlain } from '../demo/view/line.ts'
import { plainLines } from '../demo/view/plain.ts'
import { t, testSignal } from '../lab/tap-inside.ts'

export { t }

/** The story as comments: when a run fails, what happened stands above it. */
export async function openStage(kind: ClusterKind, nodes = 3): Promise<Session> {
  const names = Array.from({ length: nodes }, (_, index) => `n${index + 1}`)
  let story: Story = newStory({ fault: 'power', cluster: kind, runs: 1, nodes: names }, Date.now())
  const tell: Parameters<typeof openSession>[0]['tell'] = event => {
    if (event.kind !== 'verdict') for (const line of plainLines(story, event)) t.comment(paintPlain(line))
    story = reduceStory(story, event)
  }
  return await openSession({ kind, nodes, tell }, testSignal)
}

/** One test each expectation of the fault. */
export function checkRun(tap: Pick<typeof t, 'ok' | 'comment'>, result: RunResult): void {
  for (const { text, holds, because } of result.expectations) tap.ok(holds, `${text} (${because})`)
  tap.comment(JSON.stringify(result.report))
}
