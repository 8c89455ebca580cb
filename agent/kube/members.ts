/** Reads the list of voting agents: the ConfigMap hawser-members, or a file of the same form. */
import { readFileSync } from 'node:fs'
import { AppError } from '#kit/errors.ts'
import { MEMBERS_KEY, MembersSchema, type MembersText } from '#protocol/members.ts'
import { MEMBERS_CONFIGMAP, NAMESPACE } from '#protocol/names.ts'
import type { Kube } from './request.ts'

/** Throws AppError CONFIG_INVALID naming the field, or MEMBERS_UNKNOWN while there is none. */
export function parseMembers(text: string, where: string): MembersText {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', 'the members are not JSON', { where }, cause)
  }
  const parsed = MembersSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  throw new AppError('CONFIG_INVALID', 'the members were refused', {
    where,
    field: first?.path.join('.') ?? '',
    why: first?.message ?? '',
  })
}

export function readMembersFile(path: string): MembersText {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AppError('MEMBERS_UNKNOWN', 'the members file cannot be read', { path }, cause)
  }
  return parseMembers(text, path)
}

export async function readMembersObject(kube: Kube, signal: AbortSignal): Promise<MembersText> {
  const where = `/api/v1/namespaces/${NAMESPACE}/configmaps/${MEMBERS_CONFIGMAP}`
  const answer = await kube.call({ method: 'GET', path: where }, signal)
  if (answer.status === 404) throw new AppError('MEMBERS_UNKNOWN', 'there is no ConfigMap hawser-members yet')
  if (answer.status !== 200)
    throw new AppError('API_REFUSED', 'the members cannot be read', { status: answer.status })
  return parseMembers(dataOf(answer.body), where)
}

function dataOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'data' in body) {
    const { data } = body
    if (typeof data === 'object' && data !== null && MEMBERS_KEY in data) {
      const text = (data as Record<string, unknown>)[MEMBERS_KEY]
      if (typeof text === 'string') return text
    }
  }
  throw new AppError('CONFIG_INVALID', 'the ConfigMap hawser-members lacks its key', { key: MEMBERS_KEY })
}
