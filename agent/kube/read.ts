/** Typed reading: one object, or a whole list in pages. */
import type { z } from 'zod'
import { AppError } from '#kit/errors.ts'
import { ListOf } from './objects.ts'
import type { Kube, KubeAnswer } from './request.ts'

const PAGE = 500
const PAGES = 20

/** Undefined: there is no such object. */
export async function readOne<Item extends z.ZodType>(
  kube: Kube,
  path: string,
  form: Item,
  signal: AbortSignal,
): Promise<z.infer<Item> | undefined> {
  const answer = await kube.call({ method: 'GET', path }, signal)
  if (answer.status === 404) return undefined
  return parse(answer, path, form)
}

export async function readList<Item extends z.ZodType>(
  kube: Kube,
  path: string,
  query: Readonly<Record<string, string>>,
  form: Item,
  signal: AbortSignal,
): Promise<readonly z.infer<Item>[]> {
  const items: z.infer<Item>[] = []
  let next: string | undefined
  for (let page = 0; page < PAGES; page++) {
    const text = new URLSearchParams({
      ...query,
      limit: String(PAGE),
      ...(next === undefined ? {} : { continue: next }),
    })
    const answer = await kube.call({ method: 'GET', path: `${path}?${text}` }, signal)
    const list = parse(answer, path, ListOf(form))
    items.push(...(list.items ?? []))
    next = list.metadata?.continue
    if (next === undefined || next === '') return items
  }
  throw new AppError('ANSWER_TOO_LARGE', 'a list has too many pages', { path, limit: PAGE * PAGES })
}

function parse<Item extends z.ZodType>(answer: KubeAnswer, path: string, form: Item): z.infer<Item> {
  if (answer.status !== 200) throw refusal('GET', path, answer)
  const parsed = form.safeParse(answer.body)
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  throw new AppError('API_REFUSED', 'the API server sent an object of an unknown form', {
    path,
    field: first?.path.join('.') ?? '',
    why: first?.message ?? '',
  })
}

/** What the server said, shortened, in a field; 409 and 422 have a code of their own. */
export function refusal(method: string, path: string, answer: KubeAnswer): AppError {
  const body = answer.body
  const said =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message).slice(0, 300) : ''
  const conflict = answer.status === 409 || answer.status === 422
  return new AppError(
    conflict ? 'API_CONFLICT' : 'API_REFUSED',
    conflict ? 'an object changed meanwhile' : 'the API server refused a request',
    { method, path: path.split('?')[0], status: answer.status, said },
  )
}
