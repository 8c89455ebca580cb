/** Biome really refuses what docs/architecture.md forbids: probe files in a copy of the tree, one wrong import each. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { globalProbe, importProbe, type Probe, probesOf } from './import-probes.ts'
import { ROOT, readText } from './repository.ts'

/** Taken from the table and the rules in docs/architecture.md by hand: a rule deleted from biome.json is missed here. */
const FORBIDDEN: readonly (readonly [folder: string, specifiers: readonly string[]])[] = [
  [
    'agent/wire',
    ['node:fs', 'undici', '../source/ticks.ts', '../host/udp.ts', '../state/drbd.ts', '../decide/plan.ts'],
  ],
  ['agent/state', ['node:fs', '../effect/lanes.ts', '../kube/request.ts', '../decide/plan.ts']],
  ['agent/decide', ['node:crypto', 'pino', '../effect/lanes.ts', '../source/mesh.ts', '../serve/status.ts']],
  ['coordinator/model', ['node:fs', 'undici', '../kube/apply.ts', '../../agent/state/drbd.ts']],
  ['agent/source', ['../effect/lanes.ts', 'koffi', '../../native/netlink.ts', 'node:child_process']],
  ['agent/effect', ['../source/mesh.ts', 'koffi', '../../native/netlink.ts', 'node:child_process']],
  ['agent/serve', ['../source/mesh.ts', '../effect/lanes.ts', 'node:child_process']],
  ['agent/kube', ['../source/mesh.ts', '../effect/lanes.ts', 'node:child_process']],
  ['agent/kit', ['../state/mesh-model.ts', 'koffi', 'node:child_process']],
  ['agent/protocol', ['../state/mesh-model.ts', 'koffi']],
  ['coordinator', ['../agent/kit/errors.ts', 'koffi', 'node:child_process']],
]
const ALLOWED: readonly (readonly [folder: string, specifier: string])[] = [
  ['agent/decide', '../state/mesh-model.ts'],
  ['agent/decide', '#kit/errors.ts'],
  ['agent/source', '../host/udp.ts'],
  ['agent/effect', '../decide/effects.ts'],
  ['agent/host', '../../native/netlink.ts'],
  ['agent/host', 'node:child_process'],
  ['agent/protocol', '../kit/brand.ts'],
  ['coordinator', '#protocol/report.ts'],
]
const PURE = ['agent/wire', 'agent/state', 'agent/decide', 'coordinator/model']
const IMPURE_GLOBALS = ['Date', 'performance', 'process', 'setTimeout', 'fetch', 'console']

const Output = z.object({
  diagnostics: z.array(z.object({ category: z.string(), location: z.object({ path: z.string() }) })),
})

/** The rules that each probe broke, in the order of the probes. */
async function lint(dir: string, probes: readonly Probe[]): Promise<readonly (readonly string[])[]> {
  for (const name of ['biome.json', '.gitignore']) copyFileSync(join(ROOT, name), join(dir, name))
  const paths = probes.map(({ folder }, index) => `${folder}/probe-${index}.ts`)
  for (const [index, { folder, text }] of probes.entries()) {
    mkdirSync(join(dir, folder), { recursive: true })
    writeFileSync(join(dir, paths[index] ?? ''), text)
  }
  const biome = join(ROOT, 'node_modules', '.bin', 'biome')
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '.']
  const output = await new Promise<string>(resolve => {
    // Its exit status is 1, since everything here is wrong on purpose; what counts is what it printed.
    execFile(biome, args, { cwd: dir, timeout: 30_000, maxBuffer: 32 << 20 }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  const { diagnostics } = Output.parse(JSON.parse(output))
  return paths.map(path =>
    diagnostics.filter(({ location }) => location.path === path).map(found => found.category),
  )
}

t.test('every forbidden import is refused, and the allowed ones are not', async t => {
  const probes = [
    ...FORBIDDEN.flatMap(([folder, specifiers]) => specifiers.map(name => importProbe(folder, name, true))),
    ...PURE.flatMap(folder => IMPURE_GLOBALS.map(name => globalProbe(folder, name))),
    ...ALLOWED.map(([folder, name]) => importProbe(folder, name, false)),
    ...probesOf(readText('biome.json')),
  ]
  const dir = mkdtempSync(join(tmpdir(), 'hawser-imports-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const found = await lint(dir, probes)
  for (const [index, { what, refusedBy }] of probes.entries()) {
    const broken = (found[index] ?? []).filter(rule => rule.startsWith('lint/style/noRestricted'))
    t.same([...new Set(broken)], refusedBy === undefined ? [] : [refusedBy], what)
  }
})

t.test('biome.json itself names every folder that must be pure', async t => {
  const probes = probesOf(readText('biome.json'))
  for (const folder of PURE) {
    t.ok(
      probes.some(probe => probe.folder === folder && probe.text.includes('node:fs')),
      folder,
    )
  }
})
