/** package.json and package-lock.json: exact versions, no registry in the lock file, and every install script allowed by name. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { ROOT, readText } from './repository.ts'

const Versions = z.record(z.string(), z.string())
const Manifest = z.object({
  scripts: Versions,
  allowScripts: z.record(z.string(), z.boolean()),
  dependencies: Versions,
  devDependencies: Versions,
})
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
})

const manifest = Manifest.parse(JSON.parse(readText('package.json')))
const lock = Lock.parse(JSON.parse(readText('package-lock.json')))
const locked = Object.entries(lock.packages).filter(([place]) => place !== '')

t.test('every version is exact', async t => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    t.match(version, /^\d+\.\d+\.\d+$/, name)
  }
})

t.test('the lock file names no registry, and a checksum for every package', async t => {
  t.notMatch(readText('package-lock.json'), /"resolved"/)
  for (const [place, { integrity }] of locked) if (integrity === undefined) t.fail(`${place} has no checksum`)
  t.ok(locked.length > 100)
})

t.test('allowScripts names exactly the packages with an install script that this platform gets', async t => {
  // By name, not name@version: without a registry address in the lock file npm cannot tie a version to a package.
  const withScript = locked.filter(([, entry]) => entry.hasInstallScript === true && entry.optional !== true)
  const names = withScript.map(([place]) => place.replace(/^.*node_modules\//, ''))
  t.same(Object.keys(manifest.allowScripts).sort(), [...new Set(names)].sort())
  t.ok(Object.values(manifest.allowScripts).every(allowed => allowed))
})

t.test('every script starts a file that is there, under Node 24', async t => {
  for (const [name, command] of Object.entries(manifest.scripts)) {
    const script = /^bash test\/setup\/with-node\.sh (\S+)/.exec(command)?.[1]
    t.ok(script !== undefined && existsSync(join(ROOT, script)), `npm run ${name}: ${command}`)
  }
})
