/** The little that is common to every Kubernetes object, read at the edge. */
import { z } from 'zod'
import { AppError } from '#kit/errors.ts'

export const MetaSchema = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().default(''),
  resourceVersion: z.string(),
  annotations: z.record(z.string(), z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
})

export type Meta = z.infer<typeof MetaSchema>

const ObjectSchema = z.object({ metadata: MetaSchema })
const VersionSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) })

export function readMeta(raw: unknown): Meta {
  return readAs(ObjectSchema, raw, 'an object of the API server has no readable metadata').metadata
}

/** Bookmarks carry a version and nothing else. */
export function readVersion(raw: unknown): string {
  return readAs(VersionSchema, raw, 'a bookmark has no version').metadata.resourceVersion
}

export function keyOf(meta: Meta): string {
  return meta.namespace === undefined ? meta.name : `${meta.namespace}/${meta.name}`
}

export function readAs<T>(schema: z.ZodType<T>, raw: unknown, attempted: string): T {
  const read = schema.safeParse(raw)
  if (read.success) return read.data
  throw new AppError('WIRE_MALFORMED', attempted, { where: sayIssues(read.error) })
}

/** Where and why a schema refused something, short enough for a field. */
export function sayIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(issue => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ')
    .slice(0, 400)
}
