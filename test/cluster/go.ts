/** Finds a Go that can build Kubernetes, or gets one: from Debian, and on Debian 12 a newer toolchain through the old one. */
import { existsSync } from 'node:fs'
import { chmod, cp, glob, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError, sayError } from '#kit/errors.ts'
import { cached } from './cache.ts'
import { mustRun, runProgram } from './program.ts'

/** From 1.21 on, Go fetches the version that a go.mod asks for by itself. */
const SELF_UPDATING = 21
/** What an older Go is used to fetch: the toolchain is a Go module like any other, with a checksum in the checksum database. */
const TOOLCHAIN = '1.24.13'
const MINUTE = 60_000

export type Say = (line: string) => void

/** The path of a `go` program of version 1.21 or later. */
export async function findGo(say: Say, signal: AbortSignal): Promise<string> {
  const found = (await bestGo(signal)) ?? (await installGo(say, signal))
  return found.minor >= SELF_UPDATING ? found.path : newerToolchain(found.path, say, signal)
}

interface GoFound {
  readonly path: string
  readonly minor: number
}

async function bestGo(signal: AbortSignal): Promise<GoFound | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/go/bin']
  for await (const folder of glob('/usr/lib/go-1.*/bin')) folders.push(folder)
  const found: GoFound[] = []
  for (const path of new Set(folders.map(folder => join(folder, 'go')))) {
    if (!existsSync(path)) continue
    const minor = await minorVersion(path, signal)
    if (minor !== undefined) found.push({ path, minor })
  }
  return found.sort((a, b) => b.minor - a.minor)[0]
}

async function minorVersion(path: string, signal: AbortSignal): Promise<number | undefined> {
  const env = { GOTOOLCHAIN: 'local' }
  const { stdout } = await runProgram([path, 'version'], { signal, deadlineMs: MINUTE, env })
  const minor = /\bgo1\.(\d+)/.exec(stdout)?.[1]
  return minor === undefined ? undefined : Number(minor)
}

async function installGo(say: Say, signal: AbortSignal): Promise<GoFound> {
  say('installing golang-go from Debian: it builds the Kubernetes binary, once on this machine')
  try {
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    const options = { signal, deadlineMs: 10 * MINUTE, env }
    await runProgram(['apt-get', 'update', '-q'], options)
    await mustRun(['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'golang-go'], options)
  } catch (cause) {
    throw new AppError(
      'MACHINE_TOO_SMALL',
      'there is no Go on this machine and it could not be installed (install golang-go, or Go 1.21 or later)',
      {},
      cause,
    )
  }
  const found = await bestGo(signal)
  if (!found) throw new AppError('PROGRAM_FAILED', 'golang-go was installed but there is no go program', {})
  return found
}

/** Debian 12 has Go 1.19: it cannot build Kubernetes 1.34, but it can download the module that holds a newer Go. */
async function newerToolchain(oldGo: string, say: Say, signal: AbortSignal): Promise<string> {
  const platform = process.arch === 'arm64' ? 'linux-arm64' : 'linux-amd64'
  const version = `v0.0.1-go${TOOLCHAIN}.${platform}`
  const dir = await cached(
    `go-${TOOLCHAIN}-${platform}`,
    async fresh => {
      say(`fetching Go ${TOOLCHAIN} as a module: the Go of this Debian is too old to build Kubernetes 1.34`)
      const work = await mkdtemp(join(tmpdir(), 'hawser-go-'))
      try {
        await writeFile(join(work, 'go.mod'), 'module fetch\n')
        const argv = [oldGo, 'mod', 'download', '-json', `golang.org/toolchain@${version}`]
        const answer = await mustRun(argv, {
          cwd: work,
          signal,
          deadlineMs: 10 * MINUTE,
          env: { GOFLAGS: '-modcacherw' },
        })
        await cp(JSON.parse(answer).Dir, join(fresh, 'go'), { recursive: true })
        // the module cache keeps no executable bits
        for await (const tool of glob(join(fresh, 'go/{bin,pkg/tool/*}/*'))) await chmod(tool, 0o755)
      } catch (cause) {
        throw new AppError(
          'PROGRAM_FAILED',
          `Go ${TOOLCHAIN} could not be fetched; install Go 1.21 or later`,
          { because: sayError(cause) },
          cause,
        )
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    },
    signal,
  )
  return join(dir, 'go/bin/go')
}
