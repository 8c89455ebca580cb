/** Waits until nodes are Ready and pods with DRBD volumes can run there; says what a guest said when that takes too long. */
import { AppError } from '#kit/errors.ts'
import { CSI_DRIVER } from '#protocol/names.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabNode } from '../lab/layout.ts'
import type { Api, ApiObject } from './api.ts'
import { until } from './until.ts'

export interface ReadyWanted {
  readonly lab: Lab
  readonly api: Api
  readonly nodes: readonly LabNode[]
  readonly deadlineMs: number
}

export async function waitNodesReady(wanted: ReadyWanted, signal: AbortSignal): Promise<void> {
  const { lab, api, nodes, deadlineMs } = wanted
  let missing: readonly LabNode[] = nodes
  const ask = async () => {
    const ready = await readyNodes(api)
    missing = nodes.filter(node => !ready.has(node))
    return missing.length === 0 || undefined
  }
  try {
    await until(`${nodes.join(' ')} Ready with the CSI driver`, ask, { signal, deadlineMs })
  } catch (cause) {
    if (signal.aborted) throw cause
    const said = await Promise.all(missing.map(async node => `${node}: ${await lastWords(lab, node)}`))
    throw new AppError(
      'LAB_FAILED',
      'nodes did not become Ready',
      { missing: missing.join(' '), said: said.join('; ') },
      cause,
    )
  }
}

async function readyNodes(api: Api): Promise<ReadonlySet<string>> {
  const [nodes, drivers] = await Promise.all([
    api.call({ method: 'GET', path: '/api/v1/nodes' }),
    api.call({ method: 'GET', path: '/apis/storage.k8s.io/v1/csinodes' }),
  ])
  const served = names(drivers.body.items, hasDriver)
  return new Set(names(nodes.body.items, isReady).filter(name => served.includes(name)))
}

function names(objects: readonly ApiObject[] = [], which: (object: ApiObject) => boolean): string[] {
  return objects.filter(which).map(object => object.metadata?.name ?? '')
}

function isReady(node: ApiObject): boolean {
  const conditions = (node.status?.['conditions'] ?? []) as { type: string; status: string }[]
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function hasDriver(node: ApiObject): boolean {
  const drivers = (node.spec?.['drivers'] ?? []) as { name: string }[]
  return drivers.some(({ name }) => name === CSI_DRIVER)
}

async function lastWords(lab: Lab, node: LabNode): Promise<string> {
  const script = 'tail -2 /run/node.steps; tail -3 /run/node.out; tail -2 /run/kubelet.log'
  const { stdout } = await lab
    .exec(node, script, { deadlineMs: 10_000 })
    .catch(error => ({ stdout: String(error) }))
  return stdout.trim().slice(-500)
}
