/** A mutant: one small fault put into the sources, the test file that must notice it, and the property that must fail. */
export interface Mutant {
  readonly name: string
  readonly file: string
  /** Exact text that stands once in the file. */
  readonly search: string
  readonly replace: string
  readonly test: string
  /** The beginning of the name of the test that must fail. */
  readonly property: string
}
