/** Every shell script of the repository can be read by bash, says its purpose, and stops at its first error. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { ROOT, readText, repositoryFiles } from './repository.ts'

const scripts = repositoryFiles().filter(path => path.endsWith('.sh') || path === '.ci/run')

t.ok(scripts.length >= 3, `${scripts.length} scripts`)

for (const path of scripts) {
  t.test(path, async t => {
    t.doesNotThrow(() => execFileSync('bash', ['-n', join(ROOT, path)], { timeout: 10_000 }), 'bash reads it')
    const text = readText(path)
    t.match(
      text,
      /^#!(\/usr\/bin\/env bash|\/bin\/(ba)?sh)\n# \S/,
      'its first lines say the shell and the purpose',
    )
    // In a guest or an image a script may be PID 1 or a handler, which must go on whatever fails.
    if (!/\/(guest|images)\//.test(path)) t.match(text, /^set -[a-z]*e/m, 'it stops at its first error')
  })
}
