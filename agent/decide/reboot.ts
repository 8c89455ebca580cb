/** Whether this node must reset itself at once: it lives on although others may count it as dead. */
import type { NodeState } from '../state/node-state.ts'

/** The reason, or undefined. */
export function decideReboot({ mesh, watchdog }: NodeState): string | undefined {
  if (watchdog.fedLate) return 'the watchdog was fed after the lease had ended'
  const by = (mesh.members?.list ?? []).find(({ node }) => mesh.peers.get(node)?.refusesUs === true)
  return by === undefined ? undefined : `${by.node} holds this boot for over`
}
