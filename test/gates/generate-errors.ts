/** Writes docs/errors.md from the error table of agent/kit/errors.ts: `node test/gates/generate-errors.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, EXIT } from '#kit/errors.ts'
import { ROOT } from './repository.ts'

export const ERRORS_DOCUMENT = 'docs/errors.md'

const EXIT_WORDS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done, or asked to stop and stopped',
  failed: 'ran, and the answer is no (a test failed, a promise did not hold)',
  usage: 'wrong arguments or configuration',
  fault: 'a fault of Hawser itself',
  later: 'not possible now: rights, memory, a busy port, something that is missing',
}

export function errorsDocument(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { means, retry, act }]) => `| \`${code}\` | ${cell(means)} | ${retry} | ${cell(act)} |`,
  )
  const exits = Object.entries(EXIT).map(
    ([name, code]) => `| ${code} | ${EXIT_WORDS[name as keyof typeof EXIT]} |`,
  )
  return `${[
    '# Errors',
    '',
    'Made from `agent/kit/errors.ts` by `npm run errors`; a gate compares the two.',
    'Every error that Hawser reports begins with one of these codes. *Again* says whether waiting can help.',
    '',
    '| code | what it means | again | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...exits,
  ].join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(join(ROOT, ERRORS_DOCUMENT), errorsDocument())
