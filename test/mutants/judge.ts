/** Whether a test run killed a mutant: its named property failed, and by an assertion, not because the code does not load. */
export type Killed =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'lives'; readonly because: string }

/** The code was not even run, or broke in a way that has nothing to do with the property. */
const BROKEN = /^SyntaxError|ReferenceError|ERR_MODULE_NOT_FOUND|ERR_INVALID_TYPESCRIPT|is not a function/m

export function judgeRun(
  run: { readonly status: number | null; readonly output: string },
  property: string,
): Killed {
  if (run.status === 0) return { kind: 'lives', because: 'all tests passed' }
  const broken = BROKEN.exec(run.output)
  if (broken !== null) return { kind: 'lives', because: `the code is broken: ${broken[0]}` }
  const failed = [...run.output.matchAll(/^not ok \d+ - (.*?)(?: # time=.*)?$/gm)].map(
    ([, name]) => name ?? '',
  )
  const by = failed.find(name => name.startsWith(property))
  if (by !== undefined) return { kind: 'killed', by }
  const others = failed.length === 0 ? 'no test' : `only "${failed.join('", "')}"`
  return { kind: 'lives', because: `${others} failed, not "${property}"` }
}
