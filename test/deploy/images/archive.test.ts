/** Image archives: bytes that depend on nothing but their content, readable by other programs, shared layers once. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { toLayer, writeArchive } from '../../../deploy/images/archive.ts'
import { layerTar, type TarEntry } from '../../../deploy/images/tar.ts'

const dir = await mkdtemp(join(tmpdir(), 'hawser-image-'))
t.teardown(() => rm(dir, { recursive: true, force: true }))

const LONG = `${'folder/'.repeat(18)}file`
const ENTRIES: TarEntry[] = [
  { kind: 'file', path: 'bin/tool', data: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
  { kind: 'link', path: 'bin/alias', target: 'tool' },
  { kind: 'folder', path: 'tmp', mode: 0o1777 },
  { kind: 'file', path: LONG, data: Buffer.alloc(1000, 'x'), mode: 0o644 },
]

t.test('a layer is what tar(1) reads', async t => {
  const file = join(dir, 'layer.tar')
  await writeFile(file, layerTar(ENTRIES))
  const list = execFileSync('tar', ['-tvf', file, '--utc'], { encoding: 'utf8' })
  t.match(list, /-rwxr-xr-x 0\/0 +10 1970-01-01 00:00 bin\/tool/)
  t.match(list, /lrwxrwxrwx 0\/0 +0 1970-01-01 00:00 bin\/alias -> tool/)
  t.match(list, /drwxrwxrwt 0\/0 +0 1970-01-01 00:00 tmp\//)
  t.match(list, new RegExp(`1000 1970-01-01 00:00 ${LONG}`))
  t.equal(execFileSync('tar', ['-xOf', file, LONG], { encoding: 'utf8' }), 'x'.repeat(1000))
})

t.test('the order in which entries are given does not matter', t => {
  t.equal(toLayer(layerTar(ENTRIES)).digest, toLayer(layerTar([...ENTRIES].reverse())).digest)
  t.end()
})

t.test('a name that no tar header can hold is refused, not cut', t => {
  const bad = (path: string) => () => layerTar([{ kind: 'file', path, data: Buffer.alloc(0), mode: 0o644 }])
  t.throws(bad('n'.repeat(101)), RangeError)
  t.throws(() => layerTar([{ kind: 'link', path: 'a', target: 't'.repeat(101) }]), RangeError)
  t.end()
})

t.test(
  'layers that images share are in the archive once, or not at all when the reader has them',
  async t => {
    const base = toLayer(layerTar(ENTRIES))
    const top = toLayer(layerTar([{ kind: 'file', path: 'app', data: Buffer.from('1'), mode: 0o644 }]))
    const images = [
      { name: 'test.local/a:1', layers: [base, top], entrypoint: ['/app'] },
      { name: 'test.local/b:1', layers: [base], entrypoint: ['/bin/tool'] },
    ]
    const blobs = async (file: string, options = {}) => {
      await writeArchive(join(dir, file), images, options)
      return execFileSync('tar', ['-tf', join(dir, file)], { encoding: 'utf8' })
        .split('\n')
        .filter(name => name.startsWith('blobs/'))
    }
    const path = (digest: string) => `blobs/${digest.replace(':', '/')}`
    const all = await blobs('all.tar')
    t.equal(all.filter(name => name === path(base.digest)).length, 1)
    t.equal(all.length, 6, 'two layers, two configurations, two manifests')
    const part = await blobs('part.tar', { without: [base] })
    t.same(
      part,
      all.filter(name => name !== path(base.digest)),
    )
    await writeArchive(join(dir, 'again.tar'), images)
    t.ok((await readFile(join(dir, 'all.tar'))).equals(await readFile(join(dir, 'again.tar'))))
    const index = JSON.parse(
      execFileSync('tar', ['-xOf', join(dir, 'all.tar'), 'index.json'], { encoding: 'utf8' }),
    )
    t.same(
      index.manifests.map(
        (one: { annotations: Record<string, string> }) => one.annotations['io.containerd.image.name'],
      ),
      ['test.local/a:1', 'test.local/b:1'],
    )
  },
)
