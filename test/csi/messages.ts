/** CSI's and the kubelet's messages, as far as a node plugin needs them. Field numbers as in the CSI specification 1.x. */
import { type FieldValue, readFields, writeFields } from './protobuf.ts'

export interface PublishRequest {
  readonly volumeId: string
  readonly targetPath: string
  /** Undefined: a raw block volume was asked for. */
  readonly mount: { readonly fsType: string; readonly flags: readonly string[] } | undefined
  readonly readonly: boolean
  readonly context: Readonly<Record<string, string>>
}

export interface UnpublishRequest {
  readonly volumeId: string
  readonly targetPath: string
}

type Fields = Map<number, (bigint | Buffer)[]>

export const EMPTY = Buffer.alloc(0)

export function readPublishRequest(message: Buffer): PublishRequest {
  const fields = readFields(message)
  const capability = readFields(bytesOf(fields, 5))
  const mount = capability.get(2)?.at(-1)
  return {
    volumeId: textOf(fields, 1),
    targetPath: textOf(fields, 4),
    mount: Buffer.isBuffer(mount) ? readMount(readFields(mount)) : undefined,
    readonly: isTrue(fields, 6),
    context: readMap(fields.get(8)),
  }
}

export function readUnpublishRequest(message: Buffer): UnpublishRequest {
  const fields = readFields(message)
  return { volumeId: textOf(fields, 1), targetPath: textOf(fields, 2) }
}

export function readRegistrationStatus(message: Buffer): { registered: boolean; error: string } {
  const fields = readFields(message)
  return { registered: isTrue(fields, 1), error: textOf(fields, 2) }
}

/** What the kubelet's plugin watcher asks for first. */
export function writeRegistrationInfo(driver: string, endpoint: string): Buffer {
  return writeFields([
    [1, 'CSIPlugin'],
    [2, driver],
    [3, endpoint],
    [4, '1.0.0'],
  ])
}

export function writePluginInfo(driver: string, version: string): Buffer {
  return writeFields([
    [1, driver],
    [2, version],
  ])
}

export function writeNodeInfo(nodeId: string): Buffer {
  return writeFields([[1, nodeId]])
}

/** Probe's answer: a wrapped `true`. */
export function writeReady(): Buffer {
  return writeFields([[1, writeFields([[1, 1n]])]])
}

/** For clients of the plugin, which are the tests. */
export function writePublishRequest(request: PublishRequest): Buffer {
  const { mount } = request
  const access = writeFields([[1, 1n]])
  const kind: [number, FieldValue] = mount
    ? [2, writeFields([[1, mount.fsType], ...mount.flags.map((flag): [number, string] => [2, flag])])]
    : [1, EMPTY]
  return writeFields([
    [1, request.volumeId],
    [4, request.targetPath],
    [5, writeFields([kind, [3, access]])],
    [6, request.readonly ? 1n : 0n],
    ...Object.entries(request.context).map(([key, value]): [number, Buffer] => [
      8,
      writeFields([
        [1, key],
        [2, value],
      ]),
    ]),
  ])
}

function readMount(fields: Fields): { fsType: string; flags: string[] } {
  return { fsType: textOf(fields, 1), flags: (fields.get(2) ?? []).map(String) }
}

function readMap(entries: readonly (bigint | Buffer)[] = []): Record<string, string> {
  return Object.fromEntries(
    entries.filter(Buffer.isBuffer).map(entry => {
      const fields = readFields(entry)
      return [textOf(fields, 1), textOf(fields, 2)]
    }),
  )
}

function bytesOf(fields: Fields, number: number): Buffer {
  const value = fields.get(number)?.at(-1)
  return Buffer.isBuffer(value) ? value : EMPTY
}

const textOf = (fields: Fields, number: number) => bytesOf(fields, number).toString()
const isTrue = (fields: Fields, number: number) => fields.get(number)?.at(-1) === 1n
