/** The DRBD slice: what the kernel said, one consistent moment after the other. */
import type { ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import { SteadyMap } from '#kit/steady-map.ts'
import type { FamilyVersion } from '../wire/drbd-codes.ts'
import type { DrbdNotice, HelperNotice, ObjectNotice } from '../wire/drbd-notice.ts'
import { type DrbdConfig, withConfig } from './drbd-config.ts'
import type { DrbdState, HelperCall, Resource } from './drbd-model.ts'
import { applyToResource, newResource } from './drbd-resource.ts'

export type DrbdEvent =
  /** The kernel has no family drbd (any more). */
  | { readonly kind: 'drbd-absent'; readonly at: MonoMs }
  /** Something may have been missed: what is held may be old until the next snapshot. */
  | {
      readonly kind: 'drbd-resync'
      readonly at: MonoMs
      readonly familyVersion: FamilyVersion
      readonly because: string
    }
  /** The whole initial state: the truth from here on, whatever was held before. */
  | {
      readonly kind: 'drbd-snapshot'
      readonly at: MonoMs
      readonly familyVersion: FamilyVersion
      readonly notices: readonly DrbdNotice[]
    }
  /** All messages of one change, in the kernel's order. */
  | { readonly kind: 'drbd-batch'; readonly at: MonoMs; readonly notices: readonly DrbdNotice[] }
  /** What notifications do not carry: fencing policy, options, addresses. */
  | { readonly kind: 'drbd-config'; readonly at: MonoMs; readonly config: DrbdConfig }

const HELPERS_KEPT = 64

export function reduceDrbd(state: DrbdState, event: DrbdEvent): DrbdState {
  switch (event.kind) {
    case 'drbd-absent':
      return {
        phase: 'no module',
        familyVersion: undefined,
        resources: new Map(),
        unknown: state.unknown,
        helpers: [],
      }
    case 'drbd-resync':
      return { ...state, phase: 'resync', familyVersion: event.familyVersion }
    case 'drbd-snapshot': {
      const { configuredAt: _, ...rest } = state
      const draft = new Map<ResourceName, Resource>()
      const live: DrbdState = { ...rest, phase: 'live', familyVersion: event.familyVersion }
      const next = applyNotices(live, draft, event.notices, event.at)
      return { ...next, resources: SteadyMap.from(draft) }
    }
    case 'drbd-batch': {
      const draft = new SteadyDraft(SteadyMap.from(state.resources))
      const next = applyNotices(state, draft, event.notices, event.at)
      return { ...next, resources: draft.map }
    }
    case 'drbd-config':
      return { ...state, resources: withConfig(state.resources, event.config), configuredAt: event.at }
    default:
      return unreachable(event)
  }
}

/** What a change is worked out on: a Map when everything is new, else a SteadyMap with a few entries replaced. */
interface Draft {
  get(name: ResourceName): Resource | undefined
  set(name: ResourceName, resource: Resource): void
  delete(name: ResourceName): void
}

class SteadyDraft implements Draft {
  map: SteadyMap<ResourceName, Resource>

  constructor(map: SteadyMap<ResourceName, Resource>) {
    this.map = map
  }
  get(name: ResourceName): Resource | undefined {
    return this.map.get(name)
  }
  set(name: ResourceName, resource: Resource): void {
    this.map = this.map.with(name, resource)
  }
  delete(name: ResourceName): void {
    this.map = this.map.without(name)
  }
}

/** All of the state but the resources, which are changed in the draft. */
function applyNotices(state: DrbdState, draft: Draft, notices: readonly DrbdNotice[], at: MonoMs): DrbdState {
  let helpers = state.helpers ?? []
  const unknown: string[] = []
  for (const notice of notices) {
    unknown.push(...notice.unknown)
    if (notice.object === 'done' || notice.object === 'other') continue
    if (notice.object === 'helper') helpers = withHelper(helpers, notice, at)
    else if (!applyNotice(draft, notice, state.familyVersion ?? 2)) unknown.push(`orphan.${notice.object}`)
  }
  return { ...state, helpers, unknown: counted(state.unknown, unknown) }
}

/** False: the message is about something under a resource that is not known. */
function applyNotice(
  draft: Draft,
  notice: Exclude<ObjectNotice, HelperNotice>,
  version: FamilyVersion,
): boolean {
  const name = notice.resource as ResourceName
  const known = draft.get(name)
  if (notice.object === 'resource') {
    if (notice.how === 'destroy') draft.delete(name)
    else if (notice.how === 'rename') rename(draft, name, notice.newName)
    else if (notice.info !== undefined) {
      const { role, suspended, failIo, writeOrdering } = notice.info
      const next: Resource = { ...(known ?? newResource(name)), role, suspended, failIo }
      draft.set(name, writeOrdering === undefined ? next : { ...next, writeOrdering })
    }
    return true
  }
  if (known === undefined) return notice.how === 'destroy'
  const next = applyToResource(known, notice, version)
  if (next === undefined) return false
  draft.set(name, next)
  return true
}

function rename(draft: Draft, name: ResourceName, newName: string | undefined): void {
  const known = draft.get(name)
  if (known === undefined || newName === undefined) return
  const renamed = newName as ResourceName
  draft.delete(name)
  draft.set(renamed, { ...known, name: renamed })
}

/** A wait status (exit code × 256), or a negative errno as u32. */
function exitCode(status: number): number {
  return status > 0x7fffffff ? status - 0x1_0000_0000 : status >> 8
}

function withHelper(helpers: readonly HelperCall[], notice: HelperNotice, at: MonoMs): readonly HelperCall[] {
  const { resource, peerNodeId, volume, helper } = notice
  const same = (call: HelperCall): boolean =>
    call.endedAt === undefined &&
    call.resource === resource &&
    call.peerNodeId === peerNodeId &&
    call.volume === volume &&
    call.helper === helper
  if (notice.how === 'call') {
    const call: HelperCall = {
      resource,
      peerNodeId,
      volume,
      helper,
      calledAt: at,
      endedAt: undefined,
      exitCode: undefined,
    }
    return [...helpers, call].slice(-HELPERS_KEPT)
  }
  const ended = { endedAt: at, exitCode: exitCode(notice.status) }
  const index = helpers.findLastIndex(same)
  const call = helpers[index] ?? { resource, peerNodeId, volume, helper, calledAt: undefined }
  const others = helpers.filter((_, each) => each !== index)
  return [...others, { ...call, ...ended }].slice(-HELPERS_KEPT)
}

function counted(counts: ReadonlyMap<string, number>, names: readonly string[]): ReadonlyMap<string, number> {
  if (names.length === 0) return counts
  const next = new Map(counts)
  for (const name of names) next.set(name, (next.get(name) ?? 0) + 1)
  return next
}
