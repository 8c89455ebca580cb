/** Sees to it that the cluster has the custom resource definitions, as we know them, and that they are served. */
import { z } from 'zod'
import { AppError } from '#kit/errors.ts'
import { applyObject } from '../kube/apply.ts'
import { MetaSchema, readAs } from '../kube/object.ts'
import type { Api } from '../kube/request.ts'
import { type Crd, type CrdSeen, planCrd, REVISION_ANNOTATION, wantedCrds } from '../model/crd-plan.ts'
import type { Outcome, Reconciler } from '../runtime/controller.ts'

const CRDS_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const LOOK_MS = 200
/** Nothing watches definitions: somebody may change one by hand, and nobody is in a hurry. */
const AGAIN_MS = 5 * 60_000

const CrdObject = z.object({
  metadata: MetaSchema,
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .nullish(),
    })
    .nullish(),
})

export function createInstaller(api: Api): Reconciler & { readonly keys: readonly string[] } {
  const crds = new Map(wantedCrds().map(crd => [crd.metadata.name, crd]))
  const applied = new Set<string>()

  return {
    name: 'install',
    keys: [...crds.keys()],
    async reconcile(key, signal): Promise<Outcome> {
      const crd = crds.get(key)
      if (crd === undefined) return { kind: 'settled' }
      const path = `${CRDS_PATH}/${key}`
      const step = planCrd(readCrd(await api.find({ method: 'GET', path, signal })), applied.has(key))
      switch (step.kind) {
        case 'apply':
          await apply(crd, path, signal)
          return { kind: 'again', afterMs: LOOK_MS }
        case 'wait':
          return { kind: 'again', afterMs: LOOK_MS }
        case 'refused':
          throw new AppError('API_REFUSED', 'a custom resource definition is not accepted', {
            key,
            answer: step.because,
          })
        case 'ready':
          return { kind: 'again', afterMs: AGAIN_MS }
      }
    },
  }

  async function apply(crd: Crd, path: string, signal: AbortSignal): Promise<void> {
    await applyObject(api, path, { ...crd }, signal)
    applied.add(crd.metadata.name)
  }
}

function readCrd(raw: unknown): CrdSeen | undefined {
  if (raw === undefined) return undefined
  const { metadata, status } = readAs(CrdObject, raw, 'a custom resource definition could not be read')
  const conditions = status?.conditions ?? []
  const refused = conditions.find(({ type, status: is }) => type === 'NamesAccepted' && is === 'False')
  return {
    revision: Number.parseInt(metadata.annotations?.[REVISION_ANNOTATION] ?? '0', 10) || 0,
    established: conditions.some(({ type, status: is }) => type === 'Established' && is === 'True'),
    refused: refused === undefined ? undefined : (refused.message ?? 'its names are taken').slice(0, 400),
  }
}
