/** Makes the ConfigMap of members when there is none and the nodes have come to rest; never writes it again. */
import type { Clock } from '#kit/clock.ts'
import { MEMBERS_KEY } from '#protocol/members.ts'
import { MEMBERS_CONFIGMAP, NAMESPACE } from '#protocol/names.ts'
import type { EventRecorder } from '../kube/events.ts'
import { type Api, isConflict } from '../kube/request.ts'
import type { Store } from '../kube/store.ts'
import { type MembersPolicy, planMembers } from '../model/members.ts'
import type { NodeSeen } from '../model/seen.ts'
import { type Reconciler, SETTLED } from '../runtime/controller.ts'
import { clusterReference } from './cluster.ts'
import { CONFIGMAPS_PATH, type MembersRead } from './sources.ts'

export interface MembersPorts {
  readonly api: Api
  readonly clock: Clock
  readonly events: EventRecorder
  readonly nodes: Store<NodeSeen>
  readonly members: Store<MembersRead>
  readonly cluster: Store<unknown>
  readonly isSynced: () => boolean
  readonly policy: MembersPolicy
}

export function createMembersKeeper(ports: MembersPorts): Reconciler {
  const { api, clock, events, policy } = ports
  let settled = { as: '', since: clock.mono() }

  return {
    name: 'members',
    async reconcile(_key, signal) {
      if (!ports.isSynced()) return { kind: 'again', afterMs: 200 }
      if (ports.members.size > 0) return SETTLED
      const nodes = [...ports.nodes.values()].map(kept => kept.value)
      const as = JSON.stringify(nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      if (as !== settled.as) settled = { as, since: clock.mono() }
      const plan = planMembers(nodes, clock.mono() - settled.since, policy)
      if (plan.kind === 'wait')
        return plan.afterMs === undefined ? SETTLED : { kind: 'again', afterMs: plan.afterMs }
      await create(plan.text, signal)
      return SETTLED
    },
  }

  async function create(text: string, signal: AbortSignal): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: MEMBERS_CONFIGMAP, namespace: NAMESPACE },
      data: { [MEMBERS_KEY]: text },
    }
    try {
      // A create, not an apply: a list that somebody made a moment ago must win.
      await api.call({ method: 'POST', path: CONFIGMAPS_PATH, body, signal })
    } catch (error) {
      if (isConflict(error)) return
      throw error
    }
    const regarding = clusterReference(ports.cluster)
    const note = `made the list of members once: ${text}`
    await events.record(
      { type: 'Normal', reason: 'MembersCreated', action: 'Create', note, regarding },
      signal,
    )
  }
}
