/** What changes in the API about the pod and its attachment, as phases and as where the pod is. */
import type { Api, ApiObject } from '../cluster/api.ts'
import { until } from '../cluster/until.ts'
import type { ClusterNews } from './backend.ts'

export const nodeNameOf = (pod: ApiObject): string | undefined => pod.spec?.['nodeName'] as string | undefined

/** Ready, and nothing keeps new pods away. */
function isOpenForPods(node: ApiObject): boolean {
  const taints = (node.spec?.['taints'] ?? []) as { effect: string }[]
  const conditions = (node.status?.['conditions'] ?? []) as { type: string; status: string }[]
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  return isReady && taints.every(({ effect }) => effect === 'PreferNoSchedule')
}

/** A node that lost its pods is tainted until its agent finds itself in order again: only then can pods come back. */
export async function waitOpen(
  api: Api,
  node: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const isOpen = async (): Promise<true | undefined> => {
    const { body } = await api.call({ method: 'GET', path: `/api/v1/nodes/${node}` })
    return isOpenForPods(body) || undefined
  }
  await until(`the taint of ${node} is gone`, isOpen, { signal, deadlineMs })
}

/** A pod is there until it is deleted; a forced delete is one event, an orderly one ends with it. */
function podTeller(news: ClusterNews) {
  const placed = new Set<string>()
  return (change: 'ADDED' | 'MODIFIED' | 'DELETED', pod: ApiObject): void => {
    const at = Date.now()
    const node = nodeNameOf(pod)
    if (change === 'DELETED') {
      news.happening({ at, phase: 'podDeleted', where: 'api' })
      if (node !== undefined) news.node(node, { pod: null })
      return
    }
    const uid = pod.metadata?.uid ?? ''
    if (node === undefined || placed.has(uid)) return
    placed.add(uid)
    news.happening({ at, phase: 'rescheduled', where: node })
    news.node(node, { pod: pod.metadata?.name ?? '' })
  }
}

export function followPods(api: Api, news: ClusterNews): AsyncDisposable {
  const stop = new AbortController()
  const onAttachment = (change: string): void => {
    if (change === 'DELETED') news.happening({ at: Date.now(), phase: 'attachmentFreed', where: 'api' })
  }
  const watching = [
    api.watch('/api/v1/namespaces/default/pods', podTeller(news), stop.signal),
    api.watch('/apis/storage.k8s.io/v1/volumeattachments', onAttachment, stop.signal),
  ]
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(watching)
    },
  }
}
