/** CustomResourceDefinitions: what they add to the table of resources, and what their deletion takes away. */
import type { Served } from './call.ts'
import { type Cause, invalid } from './fault-status.ts'
import { at, isObject, type JsonObject, type KubeObject, listAt, textAt, timestamp } from './json.ts'
import { type Resource, tableOf } from './resources.ts'
import { shapeOfSchema } from './shapes.ts'

function isCrd(resource: Resource): boolean {
  return resource.kind === 'CustomResourceDefinition'
}

export function checkCrd(resource: Resource, crd: KubeObject): void {
  if (!isCrd(resource)) return
  const causes: Cause[] = []
  const required = (field: string): void => {
    if (at(crd, ...field.split('.')) === undefined)
      causes.push({ reason: 'FieldValueRequired', message: 'Required value', field })
  }
  for (const field of ['spec.group', 'spec.scope', 'spec.names.plural', 'spec.names.kind', 'spec.versions'])
    required(field)
  const wanted = `${textAt(crd, 'spec', 'names', 'plural')}.${textAt(crd, 'spec', 'group')}`
  const { name } = crd.metadata
  if (causes.length === 0 && name !== wanted) {
    const message = `Invalid value: ${JSON.stringify(name)}: must be spec.names.plural+"."+spec.group`
    causes.push({ reason: 'FieldValueInvalid', message, field: 'metadata.name' })
  }
  for (const [i, version] of listAt(crd, 'spec', 'versions').entries()) {
    if (at(version, 'schema', 'openAPIV3Schema') !== undefined) continue
    const field = `spec.versions[${i}].schema.openAPIV3Schema`
    causes.push({ reason: 'FieldValueRequired', message: 'Required value: schemas are required', field })
  }
  if (causes.length > 0) throw invalid(resource, name, causes)
}

function resourcesOf(crd: KubeObject, servedSince: number): Resource[] {
  const names = at(crd, 'spec', 'names')
  const kind = textAt(names, 'kind') ?? ''
  return listAt(crd, 'spec', 'versions').flatMap(version => {
    if (at(version, 'served') !== true) return []
    const schema = at(version, 'schema', 'openAPIV3Schema')
    const subresources = Object.keys(
      isObject(at(version, 'subresources')) ? (at(version, 'subresources') as JsonObject) : {},
    )
    return [
      {
        group: textAt(crd, 'spec', 'group') ?? '',
        version: textAt(version, 'name') ?? '',
        plural: textAt(names, 'plural') ?? '',
        singular: textAt(names, 'singular') ?? kind.toLowerCase(),
        kind,
        namespaced: textAt(crd, 'spec', 'scope') === 'Namespaced',
        subresources,
        separateStatus: subresources.includes('status'),
        unconditionalUpdate: false,
        createOnUpdate: false,
        returnsDeleted: false,
        countsGenerations: true,
        selectable: listAt(version, 'selectableFields').map(field =>
          (textAt(field, 'jsonPath') ?? '').slice(1),
        ),
        shape: shapeOfSchema(schema),
        schema: isObject(schema) ? schema : {},
        servedSince,
      },
    ]
  })
}

function establishedStatus(crd: KubeObject): JsonObject {
  const names = at(crd, 'spec', 'names')
  const kind = textAt(names, 'kind') ?? ''
  const singular = textAt(names, 'singular') ?? kind.toLowerCase()
  const accepted = {
    ...(isObject(names) ? names : {}),
    singular,
    listKind: textAt(names, 'listKind') ?? `${kind}List`,
  }
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastTransitionTime: timestamp(),
    reason,
    message,
  })
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: accepted,
    storedVersions: listAt(crd, 'spec', 'versions')
      .filter(version => at(version, 'storage') === true)
      .map(version => textAt(version, 'name') ?? ''),
  }
}

/** Serves what a stored CRD defines, from now on. */
export function afterCrdWrite(served: Served, resource: Resource, crd: KubeObject): void {
  if (!isCrd(resource)) return
  const { store, resources } = served
  const before = resources.all().find(each => `${each.plural}.${each.group}` === crd.metadata.name)
  const servedSince = before?.servedSince ?? store.version
  resources.remove(textAt(crd, 'spec', 'group') ?? '', textAt(crd, 'spec', 'names', 'plural') ?? '')
  for (const each of resourcesOf(crd, servedSince)) resources.add(each)
  if (listAt(crd, 'status', 'conditions').length === 0) {
    store.put(tableOf(resource), crd.metadata.name, { ...crd, status: establishedStatus(crd) })
  }
}

export function markCrdTerminating(crd: KubeObject): KubeObject {
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: timestamp(),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  }
  return {
    ...crd,
    status: { ...crd.status, conditions: [...listAt(crd, 'status', 'conditions'), condition] },
  }
}

/** Takes the objects of a CRD that is gone, then its resource. */
export function afterCrdRemoval(served: Served, crd: KubeObject): void {
  const group = textAt(crd, 'spec', 'group') ?? ''
  const plural = textAt(crd, 'spec', 'names', 'plural') ?? ''
  const table = tableOf({ group, plural })
  for (const [key] of served.store.list(table)) served.store.remove(table, key)
  served.resources.remove(group, plural)
}
