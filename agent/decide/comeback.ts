/** Whether the taint that the others set on our node may go: it speaks of an earlier boot, and this one is in order. */
import { TAINT_LOST_QUORUM } from '#protocol/names.ts'
import type { Taint } from '../state/events.ts'
import type { NodeState } from '../state/node-state.ts'
import type { Lease } from './lease.ts'

export type ComebackVerdict =
  | { readonly kind: 'none'; readonly because: string }
  | { readonly kind: 'untaint'; readonly value: string; readonly because: string }

const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function decideComeback(state: NodeState, lease: Lease): ComebackVerdict {
  const taint = state.ownTaints?.find(isOurs)
  if (taint === undefined) return none('there is no taint of ours')
  if (taint.value === state.mesh.life.bootId) return none('the taint names this very boot')
  if (state.drbd.phase !== 'live' && state.drbd.phase !== 'no module')
    return none('the state of DRBD is being read')
  if (state.mesh.members !== undefined && state.mesh.members.list.length >= 3 && lease.kind === 'none')
    return none('the other members do not grant this boot anything yet')
  return {
    kind: 'untaint',
    value: taint.value,
    because: 'the boot that it names is over, this one is in order',
  }
}

/** Other tools use the same key: only a value that is a boot id is ours. */
function isOurs(taint: Taint): boolean {
  return taint.key === TAINT_LOST_QUORUM && BOOT_ID.test(taint.value)
}

function none(because: string): ComebackVerdict {
  return { kind: 'none', because }
}
