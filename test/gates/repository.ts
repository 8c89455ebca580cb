/** The files of the repository as a person would commit them: tracked ones and new ones that .gitignore lets through. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')
const NEVER = /^(\.git|\.state|\.tap|build|node_modules)(\/|$)|(^|\/)node_modules\//

/** Relative paths, sorted. Without git (a source archive) every file outside of the ignored folders. */
export function repositoryFiles(root = ROOT): readonly string[] {
  return listFiles(root)
    .filter(
      path =>
        path !== '' && !NEVER.test(path) && statSync(join(root, path), { throwIfNoEntry: false })?.isFile(),
    )
    .sort()
}

function listFiles(root: string): readonly string[] {
  if (!existsSync(join(root, '.git'))) return globSync('**', { cwd: root, exclude: path => NEVER.test(path) })
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  // A clone that belongs to another user is refused by git unless it is named.
  const output = execFileSync('git', ['-c', `safe.directory=${root}`, ...list], {
    cwd: root,
    timeout: 20_000,
    maxBuffer: 16 << 20,
  })
  return output.toString().split('\0')
}

export function readText(path: string, root = ROOT): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Pictures and the like: nothing a person reads line by line. */
export function isBinary(text: string): boolean {
  return text.includes('\0')
}
