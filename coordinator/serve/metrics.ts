/** A few counters and gauges, in the text form that Prometheus reads. */

export interface Metrics {
  count(name: string, labels: Readonly<Record<string, string>>): void
  gauge(name: string, value: number): void
  text(): string
}

const HELP: Readonly<Record<string, string>> = {
  hawser_coordinator_leading: 'gauge: 1 while this replica leads',
  hawser_coordinator_reconciles_total: 'counter: work on a key, by controller and result',
  hawser_coordinator_reflector_failures_total: 'counter: lists and watches that ended with an error, by kind',
  hawser_coordinator_lease_failures_total: 'counter: looks at the Lease that failed',
  hawser_coordinator_resident_bytes: 'gauge: resident memory',
}

export function createMetrics(): Metrics {
  /** name → labels as text → value */
  const series = new Map<string, Map<string, number>>()
  const of = (name: string): Map<string, number> => {
    const held = series.get(name) ?? new Map<string, number>()
    series.set(name, held)
    return held
  }
  return {
    count(name, labels) {
      const text = labelText(labels)
      of(name).set(text, (of(name).get(text) ?? 0) + 1)
    },
    gauge(name, value) {
      of(name).set('', value)
    },
    text() {
      return [...series]
        .flatMap(([name, values]) => [
          ...headOf(name),
          ...[...values].map(([labels, value]) => `${name}${labels} ${value}`),
        ])
        .map(line => `${line}\n`)
        .join('')
    },
  }
}

function headOf(name: string): string[] {
  const [type, help] = (HELP[name] ?? 'untyped: ').split(': ')
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, '_')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
