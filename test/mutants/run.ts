/** Applies each mutant to a copy of the sources and demands that the property it names fails; two at a time. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { judgeRun, type Killed } from './judge.ts'
import { MESH_MUTANTS } from './mesh.ts'
import type { Mutant } from './mutant.ts'
import { PROOF_MUTANTS } from './proof.ts'
import { VOLUME_MUTANTS } from './volumes.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const AT_ONCE = 2
const DEADLINE_MS = 60_000
/** What is drawn must not depend on the day: a mutant that lives is a fault of the tests, not of luck. */
const SEED = '20240229'

/** The part of the repository that a test of the safety core needs. */
function copyTree(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hawser-mutants-'))
  for (const part of ['agent', 'test/agent', 'native', 'package.json'])
    cpSync(join(ROOT, part), join(dir, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  return dir
}

function runTest(
  dir: string,
  test: string,
  signal: AbortSignal,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [test], {
      cwd: dir,
      env: { ...process.env, HAWSER_SEED: SEED },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
      killSignal: 'SIGKILL',
    })
    const parts: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', part => parts.push(part))
    child.on('error', reject)
    child.on('close', status => resolve({ status, output: Buffer.concat(parts).toString() }))
  })
}

async function tryMutant(dir: string, mutant: Mutant, signal: AbortSignal): Promise<Killed> {
  const path = join(dir, mutant.file)
  const source = readFileSync(path, 'utf8')
  const places = source.split(mutant.search).length - 1
  if (places !== 1) return { kind: 'lives', because: `its text stands ${places} times in ${mutant.file}` }
  writeFileSync(
    path,
    source.replace(mutant.search, () => mutant.replace),
  )
  try {
    return judgeRun(await runTest(dir, mutant.test, signal), mutant.property)
  } catch (error) {
    return {
      kind: 'lives',
      because: `its test did not end: ${error instanceof Error ? error.message : error}`,
    }
  } finally {
    writeFileSync(path, source)
  }
}

async function worker(queue: Mutant[], signal: AbortSignal): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 }
  const dir = copyTree()
  try {
    for (let mutant = queue.shift(); mutant !== undefined && !signal.aborted; mutant = queue.shift()) {
      const killed = await tryMutant(dir, mutant, signal)
      if (killed.kind === 'killed') {
        count.passed += 1
        console.log(`mutant ${mutant.name}: killed by ${killed.by}`)
      } else {
        count.failed += 1
        console.log(`mutant ${mutant.name}: LIVES (${mutant.test}): ${killed.because}`)
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return count
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
const wanted = process.argv[2] ?? ''
const queue = [...PROOF_MUTANTS, ...MESH_MUTANTS, ...VOLUME_MUTANTS].filter(mutant =>
  `${mutant.name} ${mutant.file}`.includes(wanted),
)
const counts = await Promise.all(Array.from({ length: AT_ONCE }, () => worker(queue, stop.signal)))
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1
