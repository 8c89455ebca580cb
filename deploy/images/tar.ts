/** Writes tar files whose bytes depend on nothing but their entries: fixed times, owner root, folders made as needed. */

export type TarEntry =
  | { readonly kind: 'file'; readonly path: string; readonly data: Buffer; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }

const BLOCK = 512
const FOLDER_MODE = 0o755

/** Entries sorted by path, each after its folders. */
export function layerTar(entries: readonly TarEntry[]): Buffer {
  const all = new Map<string, TarEntry>()
  for (const entry of entries) {
    const parts = entry.path.split('/').slice(0, -1)
    for (let i = 1; i <= parts.length; i++) {
      const path = parts.slice(0, i).join('/')
      if (!all.has(path)) all.set(path, { kind: 'folder', path, mode: FOLDER_MODE })
    }
    all.set(entry.path, entry)
  }
  const sorted = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return Buffer.concat([...sorted.flatMap(entryBlocks), Buffer.alloc(2 * BLOCK)])
}

export function entryBlocks(entry: TarEntry): Buffer[] {
  if (entry.kind !== 'file') return [header(entry)]
  const padding = (BLOCK - (entry.data.length % BLOCK)) % BLOCK
  return [header(entry), entry.data, Buffer.alloc(padding)]
}

/** POSIX ustar header. */
function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK)
  const { name, prefix } = splitPath(entry.kind === 'folder' ? `${entry.path}/` : entry.path)
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(name, 0)
  octal(entry.kind === 'link' ? 0o777 : entry.mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(entry.kind === 'file' ? entry.data.length : 0, 124, 12)
  octal(0, 136, 12)
  block.write({ file: '0', link: '2', folder: '5' }[entry.kind], 156)
  if (entry.kind === 'link') writeWhole(block, entry.target, 157, 100)
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A path above 100 bytes is cut at a slash, its first part goes into the prefix field. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const name = path.slice(at + 1)
    if (name !== '' && Buffer.byteLength(name) <= 100 && at <= 155) return { name, prefix: path.slice(0, at) }
  }
  throw new RangeError(`the path is too long for a tar file: ${path}`)
}

function writeWhole(block: Buffer, text: string, at: number, limit: number): void {
  if (Buffer.byteLength(text) > limit)
    throw new RangeError(`the link target is too long for a tar file: ${text}`)
  block.write(text, at)
}
