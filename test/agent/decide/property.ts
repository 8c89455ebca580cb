/** A property as a test: a sentence that must hold for everything that is drawn. */
import fc from 'fast-check'
import t from 'tap'

/** `HAWSER_RUNS` multiplies the runs, `HAWSER_SEED` fixes what is drawn. */
export function holds<Drawn extends unknown[]>(
  sentence: string,
  property: fc.IProperty<Drawn>,
  numRuns = 300,
): void {
  const seed = process.env['HAWSER_SEED']
  const factor = Number(process.env['HAWSER_RUNS'] ?? 1)
  t.test(sentence, t => {
    const parameters = { numRuns: numRuns * factor, ...(seed === undefined ? {} : { seed: Number(seed) }) }
    const details = fc.check(property, parameters)
    if (details.failed)
      t.fail(sentence, {
        found: fc.defaultReportMessage(details) ?? '',
        error: String(details.errorInstance ?? ''),
      })
    else t.pass(`${details.numRuns} runs`)
    t.end()
  })
}
