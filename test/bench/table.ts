/** Rows of figures as text; pure. */

export interface Row {
  readonly what: string
  readonly measured: string
  readonly limit: string
  readonly reached: boolean
}

export function tableOf(rows: readonly Row[]): string {
  const head = { what: 'what', measured: 'measured', limit: 'must reach' }
  const width = (key: 'what' | 'measured' | 'limit'): number =>
    Math.max(head[key].length, ...rows.map(row => row[key].length))
  const line = (row: typeof head, end: string): string =>
    `${row.what.padEnd(width('what'))}  ${row.measured.padEnd(width('measured'))}  ${row.limit.padEnd(width('limit'))}  ${end}`.trimEnd()
  return [line(head, ''), ...rows.map(row => line(row, row.reached ? 'ok' : 'MISSED'))].join('\n')
}
