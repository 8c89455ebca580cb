/** Puts container images into one OCI archive that `ctr images import` reads; no registry is involved. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { entryBlocks } from './tar.ts'

export interface Layer {
  readonly bytes: Buffer
  readonly digest: string
}

export interface Image {
  /** Full name with a tag. */
  readonly name: string
  readonly layers: readonly Layer[]
  readonly entrypoint: readonly string[]
  readonly env?: readonly string[]
}

export function toLayer(bytes: Buffer): Layer {
  return { bytes, digest: digestOf(bytes) }
}

export interface ArchiveOptions {
  /** Layers that the reader has already: named, but not in the file. */
  readonly without?: readonly Layer[]
}

/** Writes one archive; layers that images share are in it once. */
export async function writeArchive(
  file: string,
  images: readonly Image[],
  options: ArchiveOptions = {},
): Promise<void> {
  const blobs = new Map<string, Buffer>()
  const manifests = images.map(image => describe(image, blobs))
  for (const { digest } of options.without ?? []) blobs.delete(digest)
  const index = { schemaVersion: 2, mediaType: INDEX, manifests }
  const handle = await open(file, 'w')
  try {
    await put(handle, 'oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
    await put(handle, 'index.json', json(index))
    for (const [digest, bytes] of blobs) await put(handle, `blobs/${digest.replace(':', '/')}`, bytes)
    await handle.write(Buffer.alloc(1024))
  } finally {
    await handle.close()
  }
}

const INDEX = 'application/vnd.oci.image.index.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** Adds the image's blobs and gives its entry in the index. */
function describe(image: Image, blobs: Map<string, Buffer>): object {
  const keep = (mediaType: string, bytes: Buffer, digest = digestOf(bytes)) => {
    blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const config = {
    architecture: ARCHITECTURE,
    os: 'linux',
    config: {
      Entrypoint: image.entrypoint,
      Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin', ...(image.env ?? [])],
    },
    rootfs: { type: 'layers', diff_ids: image.layers.map(layer => layer.digest) },
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: keep(CONFIG, json(config)),
    layers: image.layers.map(layer => keep(LAYER, layer.bytes, layer.digest)),
  }
  return {
    ...keep(MANIFEST, json(manifest)),
    platform: { architecture: ARCHITECTURE, os: 'linux' },
    annotations: {
      'io.containerd.image.name': image.name,
      'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
    },
  }
}

async function put(handle: FileHandle, path: string, data: Buffer): Promise<void> {
  for (const block of entryBlocks({ kind: 'file', path, data, mode: 0o644 })) await handle.writeFile(block)
}

const json = (value: object) => Buffer.from(JSON.stringify(value))

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
