/** The CSI attacher of LINSTOR's driver, for which attaching is a word in the VolumeAttachment. */
import { CSI_DRIVER } from '#protocol/names.ts'
import { ATTACHER_FINALIZER, nextStep } from '../../csi/attacher.ts'
import { type KubeObject, textAt } from '../api/json.ts'
import { pathOf } from './paths.ts'
import type { Controller, World } from './world.ts'

export interface AttacherOptions {
  /** Whether ControllerUnpublish for a volume of this node ever answers; a dead node may make it hang. */
  readonly detaches?: (node: string) => boolean
}

export function attacher({ detaches = () => true }: AttacherOptions = {}): Controller {
  return {
    name: 'CSI attacher',
    user: 'system:serviceaccount:kube-system:csi-attacher',
    async sync(world) {
      for (const attachment of world.list('attachments')) {
        if (textAt(attachment, 'spec', 'attacher') !== CSI_DRIVER) continue
        const step = nextStep(attachment as unknown as Parameters<typeof nextStep>[0])
        if (step === 'attached') await attach(world, attachment)
        else if (step === 'detached' && detaches(textAt(attachment, 'spec', 'nodeName') ?? ''))
          await release(world, attachment)
      }
      return undefined
    },
  }
}

function merge(world: World, path: string, body: object): Promise<{ status: number }> {
  return world.client.call({ method: 'PATCH', path, body, patch: 'merge-patch' })
}

async function attach(world: World, attachment: KubeObject): Promise<void> {
  const { resourceVersion, finalizers = [] } = attachment.metadata
  const path = pathOf('attachments', attachment)
  const metadata = { resourceVersion, finalizers: [...new Set([...finalizers, ATTACHER_FINALIZER])] }
  const held = await merge(world, path, { metadata })
  if (held.status === 200) await merge(world, `${path}/status`, { status: { attached: true } })
}

async function release(world: World, attachment: KubeObject): Promise<void> {
  const { resourceVersion, finalizers = [] } = attachment.metadata
  const metadata = { resourceVersion, finalizers: finalizers.filter(each => each !== ATTACHER_FINALIZER) }
  await merge(world, pathOf('attachments', attachment), { metadata })
}
