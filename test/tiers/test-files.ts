/** Which test file belongs to which tier, by its place alone: a new file is run without being listed anywhere. */
import { globSync } from 'node:fs'

export const FILE_TIERS = ['static', 'unit', 'real', 'lab', 'cluster'] as const
export type FileTier = (typeof FILE_TIERS)[number]

/** The first pattern that fits decides; `unit` is what remains. */
const PLACES: readonly (readonly [RegExp, FileTier])[] = [
  [/^test\/(lab|cluster)\/unit\//, 'unit'],
  [/^test\/gates\//, 'static'],
  [/(^test\/real\/|\breal\.test\.ts$)/, 'real'],
  [/^test\/(e2e\/)?lab\//, 'lab'],
  [/^test\/(e2e\/)?cluster\//, 'cluster'],
]

/** `file` is relative to the repository. */
export function tierOf(file: string): FileTier {
  return PLACES.find(([pattern]) => pattern.test(file))?.[1] ?? 'unit'
}

/** All test files of a repository by tier, sorted. */
export function findTestFiles(root: string): ReadonlyMap<FileTier, readonly string[]> {
  const files = globSync('test/**/*.test.ts', {
    cwd: root,
    exclude: name => name.startsWith('test/golden/'),
  }).sort()
  const found = new Map<FileTier, string[]>(FILE_TIERS.map(tier => [tier, []]))
  for (const file of files) found.get(tierOf(file))?.push(file)
  return found
}
