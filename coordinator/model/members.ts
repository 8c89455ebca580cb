/**
 * Who votes: from the cluster's nodes to the first list of members, and how a list differs from the nodes.
 *
 * The list is made once and never changed by us: proofs of death count majorities of it, and a list that follows the cluster
 * by itself would shrink with the very nodes whose death is to be proven.
 */
import { MAX_MEMBERS, MEMBERS_KEY, MembersSchema, type MembersText } from '#protocol/members.ts'
import type { Reason } from '#protocol/report.ts'
import type { MembersSeen, NodeSeen } from './seen.ts'

export interface MembersPolicy {
  /** With fewer nodes no list is made by itself: below three there is no majority without everyone. */
  readonly minimum: number
  /** The nodes must not have changed for this long: a cluster that is still growing is not listed. */
  readonly settleMs: number
}

export const MEMBERS_POLICY: MembersPolicy = { minimum: 3, settleMs: 20_000 }

export type MembersPlan =
  | { readonly kind: 'create'; readonly text: string }
  | { readonly kind: 'wait'; readonly because: Reason; readonly afterMs: number | undefined }

/** The list to create when there is none, given for how long the nodes have looked like this. */
export function planMembers(
  nodes: readonly NodeSeen[],
  settledMs: number,
  policy: MembersPolicy,
): MembersPlan {
  const wait = (code: string, text: string, afterMs?: number): MembersPlan => ({
    kind: 'wait',
    because: { code, text },
    afterMs,
  })
  if (nodes.length < policy.minimum)
    return wait(
      'TooFewNodes',
      `${nodes.length} nodes, a list is made from ${policy.minimum} on; or create it by hand`,
    )
  if (nodes.length > MAX_MEMBERS)
    return wait('TooManyNodes', `${nodes.length} nodes, ${MAX_MEMBERS} can vote: create the list by hand`)
  const unready = nodes.find(node => !node.ready)
  if (unready !== undefined)
    return wait('NodeNotReady', `${unready.name} is not Ready; or create the list by hand`)
  const nowhere = nodes.find(node => node.addresses.length === 0)
  if (nowhere !== undefined) return wait('NodeWithoutAddress', `${nowhere.name} has no InternalIP`)
  const leftMs = policy.settleMs - settledMs
  if (leftMs > 0) return wait('NodesSettling', 'the nodes have changed a moment ago', leftMs)
  const list = MembersSchema.safeParse({ members: membersOf(nodes) })
  if (!list.success) return wait('NodesUnusable', list.error.issues[0]?.message ?? 'the nodes make no list')
  return { kind: 'create', text: JSON.stringify(list.data) }
}

export function readMembers(data: Readonly<Record<string, string>>): MembersSeen {
  const text = data[MEMBERS_KEY]
  if (text === undefined) return { kind: 'unreadable', where: `no key ${MEMBERS_KEY}` }
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return { kind: 'unreadable', where: 'not JSON' }
  }
  const read = MembersSchema.safeParse(raw)
  if (read.success) return { kind: 'read', members: read.data.members }
  const [issue] = read.error.issues
  return { kind: 'unreadable', where: `${issue?.path.join('.')}: ${issue?.message}` }
}

/** How the list and the nodes differ; empty: they agree. Only a person changes the list. */
export function memberDifferences(members: MembersText['members'], nodes: readonly NodeSeen[]): Reason[] {
  const seen = new Map(nodes.map(node => [node.name, node]))
  const listed = new Set(members.map(member => member.node as string))
  const strangers = nodes
    .filter(node => !listed.has(node.name))
    .map(node => ({
      code: 'NodeNotMember',
      text: `${node.name} does not vote and its death cannot be proven`,
    }))
  const others = members.flatMap((member): Reason[] => {
    const node = seen.get(member.node)
    if (node === undefined)
      return [{ code: 'MemberWithoutNode', text: `${member.node} votes, but the cluster has no such node` }]
    // More addresses than Kubernetes knows are fine: DRBD may have a network of its own.
    const lacks = node.addresses.find(address => !member.addresses.includes(address))
    if (lacks === undefined) return []
    return [{ code: 'AddressesDiffer', text: `${member.node} has ${lacks}, which the list does not have` }]
  })
  return [...strangers, ...others]
}

function membersOf(nodes: readonly NodeSeen[]): { node: string; addresses: readonly string[] }[] {
  return nodes
    .map(node => ({ node: node.name, addresses: [...new Set(node.addresses)] }))
    .sort((a, b) => (a.node < b.node ? -1 : 1))
}
