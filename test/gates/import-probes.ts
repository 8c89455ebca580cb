/** Small files that break one import rule each: made from biome.json, so that a new rule is tried without being listed. */
import { z } from 'zod'

const Config = z.object({
  overrides: z.array(
    z.object({
      includes: z.array(z.string()),
      linter: z.object({
        rules: z.object({
          style: z
            .object({
              noRestrictedImports: z
                .object({
                  options: z.object({ patterns: z.array(z.object({ group: z.array(z.string()) })) }),
                })
                .optional(),
              noRestrictedGlobals: z
                .object({ options: z.object({ deniedGlobals: z.record(z.string(), z.string()) }) })
                .optional(),
            })
            .optional(),
        }),
      }),
    }),
  ),
})

export interface Probe {
  /** What is tried, for a person. */
  readonly what: string
  readonly folder: string
  readonly text: string
  readonly refusedBy: string | undefined
}

const IMPORTS = 'lint/style/noRestrictedImports'
const GLOBALS = 'lint/style/noRestrictedGlobals'

export function importProbe(folder: string, specifier: string, refused: boolean): Probe {
  return {
    what: `${folder} ${refused ? 'may not' : 'may'} import ${specifier}`,
    folder,
    text: `import * as taken from '${specifier}'\nexport const kept = taken\n`,
    refusedBy: refused ? IMPORTS : undefined,
  }
}

export function globalProbe(folder: string, name: string): Probe {
  return {
    what: `${folder} may not use ${name}`,
    folder,
    text: `export const kept = () => ${name}\n`,
    refusedBy: GLOBALS,
  }
}

/** One probe for every folder and every pattern or name that biome.json forbids there. */
export function probesOf(biomeJson: string): readonly Probe[] {
  return Config.parse(JSON.parse(biomeJson)).overrides.flatMap(({ includes, linter }) => {
    const style = linter.rules.style
    const groups = style?.noRestrictedImports?.options.patterns.flatMap(({ group }) => group) ?? []
    const names = Object.keys(style?.noRestrictedGlobals?.options.deniedGlobals ?? {})
    return includes
      .filter(include => !include.startsWith('!') && include.endsWith('/**'))
      .map(include => include.slice(0, -3))
      .flatMap(folder => [
        ...groups.map(pattern => importProbe(folder, specifierFor(pattern), !pattern.startsWith('!'))),
        ...names.map(name => globalProbe(folder, name)),
      ])
  })
}

/** An import that the pattern is meant to catch: `node:*` → node:fs, a folder → a file in it. */
function specifierFor(pattern: string): string {
  const plain = pattern.replace(/^!/, '')
  if (plain === 'node:*') return 'node:fs'
  const place = plain.replace(/^\*\*\//, '../').replace('../*/', '../elsewhere/')
  return place.replace(/\*\*$/, 'thing.ts')
}
