/** The contract against the real kube-apiserver: where the two disagree, this one is right. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { findBinary } from '../cluster/binary.ts'
import { openControlPlane } from '../cluster/control-plane.ts'
import { apiServerContract } from './api-server.suite.ts'

t.setTimeout(240_000)

t.test('the real API server keeps the contract', { timeout: 240_000 }, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'hawser-contract-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const stop = new AbortController()
  const kubehost = await findBinary(line => t.comment(line), stop.signal)
  const plane = await openControlPlane({ kubehost, dir, parts: [] }, stop.signal)
  t.teardown(() => plane[Symbol.asyncDispose]())
  await apiServerContract(t, {
    url: plane.url,
    ca: await readFile(plane.caFile, 'utf8'),
    token: plane.adminToken,
    // The watch cache answers for versions that etcd has forgotten, until it is made anew.
    forget: async () => {
      await compact(plane.etcdUrl)
      await plane.stop('apiserver')
      await plane.start('apiserver')
    },
  })
})

/** Compacts etcd up to now, by its JSON gateway. */
async function compact(etcd: string): Promise<void> {
  const post = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const answer = await request(`${etcd}${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await answer.body.json()) as { header: { revision: string } }
  }
  const { header } = await post('/v3/kv/range', { key: 'AA==' })
  await post('/v3/kv/compaction', { revision: header.revision, physical: true })
}
