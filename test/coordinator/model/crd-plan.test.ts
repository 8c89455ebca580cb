import t from 'tap'
import { planCrd, SCHEMA_REVISION, wantedCrds } from '../../../coordinator/model/crd-plan.ts'

const OURS = { revision: SCHEMA_REVISION, established: true, refused: undefined }

t.test('what to do about a definition', async t => {
  t.same(planCrd(undefined, false), { kind: 'apply' })
  t.same(planCrd(undefined, true), { kind: 'apply' }, 'somebody has deleted it')
  t.same(planCrd(OURS, false), { kind: 'apply' }, 'once in each life: somebody may have changed it')
  t.same(planCrd(OURS, true), { kind: 'ready' })
  t.same(planCrd({ ...OURS, established: false }, true), { kind: 'wait' })
  t.same(planCrd({ ...OURS, refused: 'taken' }, true), { kind: 'refused', because: 'taken' })
  t.same(
    planCrd({ ...OURS, revision: SCHEMA_REVISION + 1 }, false),
    { kind: 'ready' },
    'a newer one is left alone',
  )
})

/** The rules of structural schemas that the API server would refuse, and words of JSON Schema that it does not know. */
function faults(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const node = schema as Record<string, unknown>
  const own = [
    '$ref',
    '$schema',
    'const',
    'anyOf',
    'oneOf',
    'allOf',
    'not',
    'propertyNames',
    'patternProperties',
    'exclusiveMinimum',
  ]
    .filter(word => word in node)
    .map(word => `${path}: ${word}`)
  if (typeof node['type'] !== 'string') own.push(`${path}: no type`)
  if (node['additionalProperties'] === false) own.push(`${path}: additionalProperties`)
  const below = Object.entries((node['properties'] ?? {}) as object).flatMap(([name, child]) =>
    faults(child, `${path}.${name}`),
  )
  return [...own, ...below, ...('items' in node ? faults(node['items'], `${path}[]`) : [])]
}

t.test('the schemas are structural, and every list and text in them has a limit', async t => {
  const unbounded = (schema: unknown, path: string): string[] => {
    const node = (schema ?? {}) as Record<string, unknown>
    const own = [
      ...(node['type'] === 'array' && node['maxItems'] === undefined ? [path] : []),
      ...(node['type'] === 'string' && !['maxLength', 'enum', 'pattern', 'format'].some(word => word in node)
        ? [path]
        : []),
    ]
    const below = Object.entries((node['properties'] ?? {}) as object).flatMap(([name, child]) =>
      unbounded(child, `${path}.${name}`),
    )
    return [...own, ...below, ...('items' in node ? unbounded(node['items'], `${path}[]`) : [])]
  }
  for (const crd of wantedCrds()) {
    const [version] = crd.spec['versions'] as {
      schema: { openAPIV3Schema: { properties: { status: unknown } } }
    }[]
    t.same(faults(version?.schema.openAPIV3Schema), [], crd.metadata.name)
    t.same(unbounded(version?.schema.openAPIV3Schema.properties.status, 'status'), [], crd.metadata.name)
  }
})
