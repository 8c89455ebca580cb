/** Stands in for the CSI external-attacher: for LINSTOR's driver, attaching is a word in the VolumeAttachment. */
import { CSI_DRIVER } from '#protocol/names.ts'
import type { Api, ApiObject } from '../cluster/api.ts'

/** As the external-attacher names it: it holds the object until the volume is detached. */
export const ATTACHER_FINALIZER = 'external-attacher/linstor-csi-linbit-com'
const PATH = '/apis/storage.k8s.io/v1/volumeattachments'

export interface AttachmentStep {
  readonly step: 'attached' | 'detached'
  readonly volume: string
  readonly node: string
  /** Wall-clock time. */
  readonly ms: number
}

/** Works until the signal ends it; a failing call is left to the next change, or to the next list after a break. */
export async function runAttacher(
  api: Api,
  onStep: (step: AttachmentStep) => void,
  signal: AbortSignal,
): Promise<void> {
  // the newest state of each attachment, and those at work: a change that comes meanwhile must not be lost
  const newest = new Map<string, ApiObject>()
  const busy = new Set<string>()
  const changed = async (attachment: ApiObject) => {
    const uid = attachment.metadata?.uid ?? ''
    newest.set(uid, attachment)
    if (busy.has(uid)) return
    busy.add(uid)
    try {
      for (let next = newest.get(uid); next; next = newest.get(uid)) {
        newest.delete(uid)
        const step = await advance(api, next)
        if (step) onStep(step)
      }
    } finally {
      busy.delete(uid)
    }
  }
  await api.watch(PATH, (kind, object) => kind !== 'DELETED' && void changed(object).catch(() => {}), signal)
}

async function advance(api: Api, attachment: ApiObject): Promise<AttachmentStep | undefined> {
  const name = attachment.metadata?.name ?? ''
  const step = attachment.spec?.['attacher'] === CSI_DRIVER ? nextStep(attachment) : undefined
  if (!step) return undefined
  const done =
    step === 'attached' ? await attach(api, name, attachment) : await release(api, name, attachment)
  return done
    ? { step, volume: volumeOf(attachment), node: String(attachment.spec?.['nodeName']), ms: Date.now() }
    : undefined
}

/** What an attachment needs now; pure. */
export function nextStep(attachment: ApiObject): AttachmentStep['step'] | undefined {
  const { deletionTimestamp, finalizers = [] } = attachment.metadata ?? {}
  if (deletionTimestamp !== undefined) return finalizers.includes(ATTACHER_FINALIZER) ? 'detached' : undefined
  return attachment.status?.['attached'] === true ? undefined : 'attached'
}

async function attach(api: Api, name: string, attachment: ApiObject): Promise<boolean> {
  const finalizers = [...new Set([...(attachment.metadata?.finalizers ?? []), ATTACHER_FINALIZER])]
  if (
    !(await patch(api, `${PATH}/${name}`, {
      metadata: { finalizers, resourceVersion: attachment.metadata?.resourceVersion },
    }))
  )
    return false
  return patch(api, `${PATH}/${name}/status`, { status: { attached: true } })
}

async function release(api: Api, name: string, attachment: ApiObject): Promise<boolean> {
  const { finalizers = [], resourceVersion } = attachment.metadata ?? {}
  const left = finalizers.filter(finalizer => finalizer !== ATTACHER_FINALIZER)
  return patch(api, `${PATH}/${name}`, { metadata: { finalizers: left, resourceVersion } })
}

async function patch(api: Api, path: string, body: object): Promise<boolean> {
  const answer = await api.call({ method: 'PATCH', path, body, patch: 'merge-patch' })
  return answer.status === 200
}

function volumeOf(attachment: ApiObject): string {
  const source = attachment.spec?.['source'] as { persistentVolumeName?: string } | undefined
  return source?.persistentVolumeName ?? ''
}
