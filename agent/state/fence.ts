/** The slice of fence-peer: what DRBD asks of us, and what other agents ask of us for theirs. */
import type { ResourceName } from '#kit/brand.ts'
import type { MonoMs } from '#kit/clock.ts'
import { unreachable } from '#kit/errors.ts'
import type { OutdateReply, OutdateRequest } from '../wire/mesh-types.ts'

/** A fence-peer handler that waits for its exit code. */
export interface FenceRequest {
  /** 16 hex digits, random: the other agent's answer repeats it. */
  readonly id: string
  readonly resource: ResourceName
  readonly askedAt: MonoMs
  /** When the other agent was last asked to outdate its copy. */
  readonly outdateSentAt: MonoMs | undefined
  readonly reply: OutdateReply | undefined
}

/** Another agent's request to outdate our copy; carried out or refused in the turn in which it came. */
export interface OutdateAsked {
  readonly request: OutdateRequest
  readonly via: string
}

export interface FenceState {
  readonly requests: ReadonlyMap<string, FenceRequest>
  readonly asked: readonly OutdateAsked[]
}

export type FenceEvent =
  | {
      readonly kind: 'fence-asked'
      readonly id: string
      readonly resource: ResourceName
      readonly at: MonoMs
    }
  /** Answered, or the handler has gone. */
  | { readonly kind: 'fence-ended'; readonly id: string }
  | { readonly kind: 'outdate-sent'; readonly id: string; readonly at: MonoMs }
  | { readonly kind: 'outdate-reply-heard'; readonly reply: OutdateReply }
  | { readonly kind: 'outdate-asked'; readonly request: OutdateRequest; readonly via: string }

export const NO_FENCE: FenceState = { requests: new Map(), asked: [] }
const MOST_REQUESTS = 1000

export function reduceFence(state: FenceState, event: FenceEvent): FenceState {
  switch (event.kind) {
    case 'fence-asked': {
      // One that cannot be held gets no answer, and so no proof.
      if (state.requests.size >= MOST_REQUESTS) return state
      const { id, resource, at } = event
      return put(state, { id, resource, askedAt: at, outdateSentAt: undefined, reply: undefined })
    }
    case 'fence-ended': {
      const requests = new Map(state.requests)
      requests.delete(event.id)
      return { ...state, requests }
    }
    case 'outdate-sent':
      return edit(state, event.id, request => ({ ...request, outdateSentAt: event.at }))
    case 'outdate-reply-heard':
      return edit(state, event.reply.id, request =>
        request.resource === event.reply.resource ? { ...request, reply: event.reply } : request,
      )
    case 'outdate-asked':
      return { ...state, asked: [...state.asked, { request: event.request, via: event.via }] }
    default:
      return unreachable(event)
  }
}

export function turnFence(state: FenceState): FenceState {
  return state.asked.length === 0 ? state : { ...state, asked: [] }
}

function put(state: FenceState, request: FenceRequest): FenceState {
  return { ...state, requests: new Map(state.requests).set(request.id, request) }
}

function edit(state: FenceState, id: string, change: (request: FenceRequest) => FenceRequest): FenceState {
  const request = state.requests.get(id)
  return request === undefined ? state : put(state, change(request))
}
