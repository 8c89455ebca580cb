/** The last look before each write of a failover: does the verdict still stand, for each resource that is acted upon? */
import type { BootId, NodeName, ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import type { NodeState } from '../state/node-state.ts'
import { provenResources, stillOver } from './failover.ts'
import type { Policy } from './policy.ts'
import { makeSurvey } from './survey.ts'

/** Undefined: it stands. Else what no longer holds; then nothing more is written. */
export function whyFallen(
  state: NodeState,
  policy: Policy,
  now: MonoMs,
  node: NodeName,
  bootId: BootId,
  proven: readonly ResourceName[],
): string | undefined {
  const survey = makeSurvey(state, policy, now)
  const sight = survey.get(node)
  if (!stillOver(state, node, bootId) || sight?.condemned === undefined)
    return 'the newest boot of the node is not condemned'
  const { by } = provenResources(state, survey, sight, sight.condemned)
  const fallen = proven.find(resource => !by.has(resource))
  return fallen === undefined ? undefined : `no current copy of ${fallen} is at hand any more`
}
