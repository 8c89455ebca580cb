/** Rules that every file of the repository keeps: each takes a path and a text, and gives complaints. Pure. */

export interface Complaint {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly text: string
}

type Rule = (path: string, text: string) => readonly Omit<Complaint, 'rule' | 'path'>[]

const MOST_LINES = 400
/** Recorded, made by a program, or somebody else's words: not written to be read from top to bottom. */
const NOT_WRITTEN = /^(test\/golden\/|LICENSE$|package-lock\.json$)|(^|\/)go\.(mod|sum)$/
/** `helper` alone is a word of the kernel (usermode helper), and allowed as part of a name. */
const CATCH_ALL = /(^|[/.-])(utils?|helpers|commons?|misc|stuff)([/.-]|$)|(^|\/)helper\.\w+$/i
const CODE = /\.(ts|mjs|js)$/

/** Written in pieces, so that this file does not complain about itself. */
const MACHINE_PATHS = new RegExp(
  `(?<![\\w.}~-])/(${['work', 'farm'].join('|')})/|/root/${'scratch'}|(?<![\\w.}~-])/home/[a-z]`,
)
const REGISTRIES = new RegExp(
  [
    'registry\\.(npmjs|yarnpkg|k8s)',
    '(proxy|sum)\\.golang',
    'npm\\.pkg\\.github',
    'pypi\\.org',
    'crates\\.io',
    'docker\\.io/',
    'quay\\.io',
    'gh?cr\\.io',
  ].join('|'),
)
/** A condition may skip a test (and CI counts that as failed); a literal switches it off for ever. */
const SWITCHED_OFF =
  /\b(t|test|it|describe|suite)\.(skip|todo|only)\(|\b(skip|todo)\s*:\s*(true\b|['"`])|\b(xit|xtest|xdescribe)\(|\bif \(false\)/
const SILENCED = /@ts-(ignore|nocheck)/

/** Lines of `text` that match, except those in which the rule itself stands. */
function linesLike(pattern: RegExp): Rule {
  return (_path, text) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [{ line: index + 1, text: line.trim() }] : []))
}

function only(applies: (path: string) => boolean, rule: Rule): Rule {
  return (path, text) => (applies(path) ? rule(path, text) : [])
}

const THIS_FILE_AND_ITS_TEST = /^test\/gates\/tree-rules(\.test)?\.ts$/
const notGates = (path: string) => !THIS_FILE_AND_ITS_TEST.test(path)

export const RULES: Readonly<Record<string, Rule>> = {
  'no file is longer than 400 lines': only(
    path => !NOT_WRITTEN.test(path),
    (_path, text) => {
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
      return lines > MOST_LINES ? [{ line: lines, text: `${lines} lines` }] : []
    },
  ),
  'no name says "anything goes here"': path => (CATCH_ALL.test(path) ? [{ line: 1, text: path }] : []),
  'no path of one machine': only(notGates, linesLike(MACHINE_PATHS)),
  'no address of a package registry': only(notGates, linesLike(REGISTRIES)),
  'no test is switched off': only(path => CODE.test(path) && notGates(path), linesLike(SWITCHED_OFF)),
  'no compiler error is silenced': only(path => CODE.test(path) && notGates(path), linesLike(SILENCED)),
  'the first line of a source file says its purpose': only(
    path => path.endsWith('.ts') && !path.endsWith('.test.ts'), // a test's name says what it tests
    (_path, text) => {
      const [first = '', second = ''] = text.split('\n')
      const line = first.startsWith('#!') ? second : first
      return /^\/\*\* ?\S?/.test(line) ? [] : [{ line: 1, text: line }]
    },
  ),
}

export function complaintsAbout(path: string, text: string): readonly Complaint[] {
  return Object.entries(RULES).flatMap(([rule, check]) =>
    check(path, text).map(found => ({ rule, path, ...found })),
  )
}
