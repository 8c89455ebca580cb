/** The binary with every Kubernetes part: built once, then found. */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import t from 'tap'
import { binaryName, findBinary, KUBERNETES_VERSION } from './binary.ts'

t.test(
  'the binary is in the cache under its version and hash, and is not built again',
  { timeout: 3_000_000 },
  async t => {
    const { signal } = new AbortController()
    const first = await findBinary(line => t.comment(line), signal)
    t.equal(basename(dirname(first)), await binaryName())
    const { mtimeMs } = statSync(first)
    const said: string[] = []
    t.equal(await findBinary(line => said.push(line), signal), first)
    t.same(said, [])
    t.equal(statSync(first).mtimeMs, mtimeMs)
    for (const part of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'])
      t.equal(
        spawnSync(first, [part, '--version'], { encoding: 'utf8' }).stdout.trim(),
        `Kubernetes v${KUBERNETES_VERSION}`,
      )
  },
)
