/** Prints in one phrase how node_modules differs from package-lock.json; prints nothing when it does not. Runs on Node 20. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? '.'

/** The packages of a lock file, by their place. */
function packagesOf(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'))
  return new Map(Object.entries(packages).filter(([place]) => place !== ''))
}

/** npm writes this file last of all: where it is missing, an installation was never finished. */
const installedFile = join(root, 'node_modules', '.package-lock.json')

function difference() {
  if (!existsSync(join(root, 'node_modules'))) return 'there are none yet'
  if (!existsSync(installedFile)) return 'an earlier installation did not end'
  const installed = packagesOf(installedFile)
  const differing = []
  for (const [place, wanted] of packagesOf(join(root, 'package-lock.json'))) {
    const found = installed.get(place)
    // An optional package is absent when it is for another platform.
    if (found === undefined ? wanted.optional !== true : found.version !== wanted.version)
      differing.push(place)
  }
  if (differing.length === 0) return ''
  const [first] = differing
  return `${first}${differing.length > 1 ? ` and ${differing.length - 1} more` : ''} changed in package-lock.json`
}

process.stdout.write(difference())
