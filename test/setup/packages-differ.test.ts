/** The comparison of node_modules with the lock file, on this repository's own. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

t.test('what is installed here is what the lock file says', async t => {
  const root = join(import.meta.dirname, '..', '..')
  const output = execFileSync(process.execPath, [join(import.meta.dirname, 'packages-differ.mjs'), root], {
    timeout: 20_000,
  })
  t.equal(output.toString(), '')
})
