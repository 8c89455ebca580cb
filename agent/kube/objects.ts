/** Kubernetes objects cut down to what a failover needs; anything that does not fit is refused, not guessed. */
import { z } from 'zod'

const name = z.string().min(1)
const Meta = z.object({ name, uid: z.string().default(''), resourceVersion: z.string().default('') })

const Mount = z.object({ name, readOnly: z.boolean().optional() })
const Container = z.object({
  volumeMounts: z.array(Mount).optional(),
  volumeDevices: z.array(z.object({ name })).optional(),
})

export const PodObject = z.object({
  metadata: Meta.extend({
    namespace: name,
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(z.object({ kind: z.string() })).optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    volumes: z.array(z.looseObject({ name })).optional(),
    containers: z.array(Container),
    initContainers: z.array(Container).optional(),
  }),
  status: z.object({ phase: z.string().optional() }).optional(),
})
export type PodObject = z.infer<typeof PodObject>

export const ListOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    metadata: z.object({ continue: z.string().optional() }).optional(),
    items: z.array(item).nullable(),
  })

export const ClaimObject = z.object({
  metadata: Meta.extend({ namespace: name }),
  spec: z.object({ volumeName: z.string().optional() }).optional(),
})
export type ClaimObject = z.infer<typeof ClaimObject>

export const VolumeObject = z.object({
  metadata: Meta,
  spec: z.object({
    accessModes: z.array(z.string()).optional(),
    csi: z.object({ driver: name, volumeHandle: name, readOnly: z.boolean().optional() }).optional(),
  }),
})
export type VolumeObject = z.infer<typeof VolumeObject>

export const AttachmentObject = z.object({
  metadata: Meta,
  spec: z.object({ nodeName: name, source: z.object({ persistentVolumeName: z.string().optional() }) }),
})
export type AttachmentObject = z.infer<typeof AttachmentObject>

export const NodeObject = z.object({
  metadata: Meta,
  spec: z
    .object({
      taints: z
        .array(z.looseObject({ key: name, value: z.string().optional(), effect: z.string() }))
        .optional(),
    })
    .optional(),
  status: z
    .object({
      volumesInUse: z.array(z.string()).optional(),
      nodeInfo: z.object({ bootID: z.string().optional() }).optional(),
    })
    .optional(),
})
export type NodeObject = z.infer<typeof NodeObject>
