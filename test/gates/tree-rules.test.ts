/** The repository keeps every rule of the tree, and every rule refuses an example of what it forbids. */
import t from 'tap'
import { isBinary, readText, repositoryFiles } from './repository.ts'
import { complaintsAbout, RULES } from './tree-rules.ts'

/** For each rule a file that breaks this rule only, and one close to it that breaks none. */
const EXAMPLES: Readonly<
  Record<keyof typeof RULES, readonly [bad: [string, string], good: [string, string]]>
> = {
  'no file is longer than 400 lines': [
    ['docs/a.md', 'line\n'.repeat(401)],
    ['docs/a.md', 'line\n'.repeat(400)],
  ],
  'no name says "anything goes here"': [
    ['agent/kit/string-utils.ts', '/** Text. */\n'],
    ['agent/kit/utilisation.ts', '/** Text. */\n'],
  ],
  'no path of one machine': [
    ['docs/a.md', 'see /work/main for more'],
    ['docs/a.md', 'see $STATE/work/ and /var/lib/work/x for more'],
  ],
  'no address of a package registry': [
    ['.npmrc', 'registry=https://registry.npmjs.org/'],
    ['.npmrc', 'omit-lockfile-registry-resolved=true'],
  ],
  'no test is switched off': [
    ['test/a.test.ts', "/** A. */\nt.test('a', { skip: 'later' }, async () => {})"],
    ['test/a.test.ts', "/** A. */\nt.test('a', { skip: isRoot ? false : 'needs root' }, async () => {})"],
  ],
  'no compiler error is silenced': [
    ['agent/a.ts', '/** A. */\n// @ts-ignore because'],
    ['agent/a.ts', '/** A. */\n// ignored by tsc'],
  ],
  'the first line of a source file says its purpose': [
    ['agent/a.ts', "import t from 'tap'\n"],
    ['agent/a.ts', '#!/usr/bin/env node\n/** Does a. */\n'],
  ],
}

for (const rule of Object.keys(RULES)) {
  t.test(`rule: ${rule}`, async t => {
    const example = EXAMPLES[rule]
    if (example === undefined) throw new Error('this rule has no example')
    const [bad, good] = example
    t.same(
      [...new Set(complaintsAbout(...bad).map(found => found.rule))],
      [rule],
      'the bad example breaks it',
    )
    t.same(complaintsAbout(...good), [], 'the good example breaks nothing')
  })
}

t.test('the repository keeps all rules', async t => {
  const files = repositoryFiles()
  t.ok(files.length > 50, `${files.length} files were looked at`)
  const complaints = files.flatMap(path => {
    const text = readText(path)
    return isBinary(text) ? [] : complaintsAbout(path, text)
  })
  for (const { rule, path, line, text } of complaints)
    t.fail(`${path}:${line} ${rule}: ${text.slice(0, 100)}`)
})
