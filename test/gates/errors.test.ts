/** docs/errors.md is what agent/kit/errors.ts says, and the codes of the table are used. */
import t from 'tap'
import { ERRORS } from '#kit/errors.ts'
import { ERRORS_DOCUMENT, errorsDocument } from './generate-errors.ts'
import { readText, repositoryFiles } from './repository.ts'

t.test('the document is up to date (npm run errors writes it)', async t => {
  t.equal(readText(ERRORS_DOCUMENT), errorsDocument())
})

t.test('every code has its row and its words', async t => {
  const document = errorsDocument()
  for (const [code, { means, act }] of Object.entries(ERRORS)) {
    t.match(code, /^[A-Z]+(_[A-Z]+)+$/)
    t.ok(document.includes(`| \`${code}\` |`), code)
    for (const text of [means, act])
      t.match(text, /^[A-Z].*[^.\s]$/, `${code}: a sentence without its full stop`)
  }
})

t.test('no code stands in the table unused', async t => {
  const used = new Set<string>()
  for (const path of repositoryFiles().filter(name =>
    /^(agent|coordinator|native|deploy|test)\/.*\.ts$/.test(name),
  )) {
    if (path === 'agent/kit/errors.ts') continue
    for (const [code] of readText(path).matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) used.add(code)
  }
  const unused = Object.keys(ERRORS).filter(code => !used.has(code))
  t.same(unused, [], 'codes that nothing throws')
})
