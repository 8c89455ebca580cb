/** What README.md and docs/ name is there: npm scripts, their options by way of the scripts, linked files, paths. */
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { ROOT, readText, repositoryFiles } from './repository.ts'

const documents = repositoryFiles().filter(path => path.endsWith('.md') && !path.startsWith('test/golden/'))
const scripts = new Set(Object.keys((JSON.parse(readText('package.json')) as { scripts: object }).scripts))
const TOP = /^(agent|coordinator|native|deploy|test|docs|\.ci)\//

for (const path of documents) {
  const text = readText(path)

  t.test(`${path}: npm scripts`, async t => {
    const named = [
      ...[...text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, name = '']) => name),
      ...[...text.matchAll(/\bnpm (start|test)\b/g)].map(([, name = '']) => name),
    ]
    for (const name of new Set(named)) t.ok(scripts.has(name), `npm run ${name}`)
  })

  t.test(`${path}: links and paths`, async t => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
    for (const target of new Set(links.filter(link => !/^[a-z]+:/.test(link)))) {
      t.ok(existsSync(join(ROOT, normalize(join(dirname(path), target)))), `link to ${target}`)
    }
    const paths = [...text.matchAll(/`([\w./-]+)`/g)].map(([, name = '']) => name)
    for (const name of new Set(paths.filter(name => TOP.test(name)))) t.ok(existsSync(join(ROOT, name)), name)
  })
}

t.test('README.md names the two commands', async t => {
  const text = readText('README.md')
  t.match(text, /npm start/)
  t.match(text, /npm test/)
})
