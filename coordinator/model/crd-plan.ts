/** The custom resource definitions that Hawser needs, and what to do about those that the cluster has. */
import type { z } from 'zod'
import {
  API_GROUP,
  API_VERSION,
  CLUSTER_KIND,
  CLUSTER_PLURAL,
  NODE_KIND,
  NODE_PLURAL,
} from '#protocol/names.ts'
import { ReportSchema } from '#protocol/report.ts'
import { ClusterStatusSchema } from './cluster-schema.ts'
import { type Json, structuralSchema } from './crd-schema.ts'

/** Counted up with every change of a schema: an older coordinator leaves a newer definition alone. */
export const SCHEMA_REVISION = 1
export const REVISION_ANNOTATION = `${API_GROUP}/schema-revision`

export interface Crd {
  readonly apiVersion: 'apiextensions.k8s.io/v1'
  readonly kind: 'CustomResourceDefinition'
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> }
  readonly spec: { readonly [key: string]: Json }
}

interface Column {
  readonly name: string
  readonly type: 'string' | 'date' | 'boolean' | 'integer'
  readonly jsonPath: string
  /** Above 0: in wide output only. */
  readonly priority?: number
}

export function wantedCrds(): readonly Crd[] {
  return [
    crd(NODE_KIND, NODE_PLURAL, 'hn', ReportSchema, [
      { name: 'Agent', type: 'string', jsonPath: '.status.agentVersion' },
      { name: 'DRBD', type: 'string', jsonPath: '.status.drbd.phase' },
      { name: 'Armed', type: 'boolean', jsonPath: '.status.lease.armed' },
      { name: 'Held', type: 'boolean', jsonPath: '.status.lease.held', priority: 1 },
      { name: 'Reported', type: 'date', jsonPath: '.status.reportedAt' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ]),
    crd(CLUSTER_KIND, CLUSTER_PLURAL, 'hc', ClusterStatusSchema, [
      { name: 'Ready', type: 'string', jsonPath: '.status.ready' },
      { name: 'Volumes', type: 'string', jsonPath: '.status.volumesHealthy' },
      { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ]),
  ]
}

function crd(
  kind: string,
  plural: string,
  short: string,
  status: z.ZodType,
  columns: readonly Column[],
): Crd {
  const schema = {
    type: 'object',
    description: `${kind}: written by Hawser, read by everyone`,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      status: structuralSchema(status),
    },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${API_GROUP}`,
      annotations: { [REVISION_ANNOTATION]: String(SCHEMA_REVISION) },
    },
    spec: {
      group: API_GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [short] },
      scope: 'Cluster',
      versions: [
        {
          name: API_VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {} },
          additionalPrinterColumns: columns.map(column => ({ ...column })),
        },
      ],
    },
  }
}

/** A definition as the cluster has it. */
export interface CrdSeen {
  readonly revision: number
  readonly established: boolean
  /** Why the API server does not take its names; undefined: it does, or has not said. */
  readonly refused: string | undefined
}

export type CrdStep =
  | { readonly kind: 'apply' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'ready' }

/** `applied`: this process has applied it already, so what is there is ours as far as it can be. */
export function planCrd(seen: CrdSeen | undefined, applied: boolean): CrdStep {
  if (seen === undefined) return { kind: 'apply' }
  if (!applied && seen.revision <= SCHEMA_REVISION) return { kind: 'apply' }
  if (seen.refused !== undefined) return { kind: 'refused', because: seen.refused }
  return { kind: seen.established ? 'ready' : 'wait' }
}
