/** Results → conditions, whose time of change moves only when their status does. */
import type { Reason } from '#protocol/report.ts'
import type { Condition } from './cluster-schema.ts'

export type ConditionWanted = Omit<Condition, 'lastTransitionTime'>

/** `wallText` is the wall clock as an ISO time. */
export function carryTransitions(
  wanted: readonly ConditionWanted[],
  before: readonly Condition[],
  wallText: string,
): Condition[] {
  return wanted.map(condition => {
    const old = before.find(({ type }) => type === condition.type)
    return {
      ...condition,
      lastTransitionTime: old?.status === condition.status ? old.lastTransitionTime : wallText,
    }
  })
}

/** The conditions whose status is another than before; a new one counts when it is not True. */
export function turned(after: readonly Condition[], before: readonly Condition[]): Condition[] {
  return after.filter(condition => {
    const old = before.find(({ type }) => type === condition.type)
    return old === undefined ? condition.status !== 'True' : old.status !== condition.status
  })
}

/** A few reasons in one message, and how many are left out. */
export function sayReasons(reasons: readonly { readonly about?: string; readonly reason: Reason }[]): string {
  const shown = reasons
    .slice(0, 4)
    .map(({ about, reason }) => `${about === undefined ? '' : `${about}: `}${reason.text}`)
  const more = reasons.length - shown.length
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`.slice(0, 1024)
}
