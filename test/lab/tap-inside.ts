/** tap for tests that use a lab: imports it only inside the lab's namespaces, else the outer process would report too. */
import { enterLab } from './inside.ts'

await enterLab()
export const { default: t } = await import('tap')

/** For openLab; never aborted: a test that ends early takes the namespaces with it. */
export const testSignal = new AbortController().signal

// The runner's own limit (--timeout) still stands; alone, tap would give a file 30 s.
t.setTimeout(300_000)
