/** The list of agents that vote: the text of the key `members.json` in the ConfigMap `hawser-members`. */
import { z } from 'zod'
import { isNodeName } from '#kit/brand.ts'

export const MEMBERS_KEY = 'members.json'
export const MAX_MEMBERS = 64

/** IPv4 or IPv6, no zone: an address that a peer and DRBD can use. */
const address = z.union([z.ipv4(), z.ipv6()])

const MemberSchema = z.object({
  node: z.string().refine(isNodeName, 'not a node name'),
  /** The first one carries the beats. */
  addresses: z.array(address).min(1).max(16),
})

export const MembersSchema = z
  .object({ members: z.array(MemberSchema).min(1).max(MAX_MEMBERS) })
  .refine(
    value => new Set(value.members.map(member => member.node)).size === value.members.length,
    'a node stands twice in the list',
  )
  .refine(value => {
    const all = value.members.flatMap(member => member.addresses)
    return new Set(all).size === all.length
  }, 'an address stands twice in the list')

export type MembersText = z.infer<typeof MembersSchema>
