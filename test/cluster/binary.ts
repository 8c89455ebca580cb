/** Builds the one binary that holds every Kubernetes part, and keeps it in the user's cache directory. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheRoot, checkFreeBytes, hashOf } from './cache.ts'
import { findGo, type Say } from './go.ts'
import { mustRun } from './program.ts'

export const KUBERNETES_VERSION = '1.34.4'

const SOURCE = join(import.meta.dirname, 'kubehost')
const [MAJOR, MINOR] = KUBERNETES_VERSION.split('.')
/** Without these `kubectl version` and the API server's own version check fail. */
const VERSION_FLAGS = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
  .map(
    pkg =>
      `-X ${pkg}.gitVersion=v${KUBERNETES_VERSION} -X ${pkg}.gitMajor=${MAJOR} -X ${pkg}.gitMinor=${MINOR} ` +
      `-X ${pkg}.gitCommit=none -X ${pkg}.gitTreeState=clean -X ${pkg}.buildDate=1970-01-01T00:00:00Z`,
  )
  .join(' ')
const BUILD = ['build', '-v', '-trimpath', `-ldflags=-s -w ${VERSION_FLAGS}`]
const ENV = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' }
const GIB = 1 << 30
const DEADLINE_MS = 45 * 60_000

/** Folder name in the cache: the version and a hash of everything that decides about the bytes. */
export async function binaryName(): Promise<string> {
  const sources = await Promise.all(['go.mod', 'go.sum', 'main.go'].map(name => readFile(join(SOURCE, name))))
  return `kubehost-v${KUBERNETES_VERSION}-${hashOf([...sources, ...BUILD, JSON.stringify(ENV)])}`
}

/** Path of the binary; builds it when it is missing (10 to 12 minutes on 2 cores with nothing cached). */
export async function findBinary(say: Say, signal: AbortSignal): Promise<string> {
  const dir = await cached(await binaryName(), fresh => build(join(fresh, 'kubehost'), say, signal), signal)
  return join(dir, 'kubehost')
}

async function build(output: string, say: Say, signal: AbortSignal): Promise<void> {
  const go = await findGo(say, signal)
  // measured: build cache 3.2 GB, module cache 0.65 GB, the binary and its linking 0.4 GB
  await checkFreeBytes(cacheRoot(), 5 * GIB, 'the first build of Kubernetes')
  const started = Date.now()
  let packages = 0
  const report = () => {
    const seconds = Math.round((Date.now() - started) / 1000)
    say(
      `building Kubernetes ${KUBERNETES_VERSION} (once on this machine; 10 to 12 minutes on 2 cores): ${seconds} s, ${packages} packages compiled`,
    )
  }
  report()
  const timer = setInterval(report, 15_000)
  try {
    await mustRun([go, ...BUILD, '-o', output, '.'], {
      cwd: SOURCE,
      env: ENV,
      signal,
      deadlineMs: DEADLINE_MS,
      onErrorLine: () => {
        packages++
      },
    })
  } finally {
    clearInterval(timer)
  }
}
