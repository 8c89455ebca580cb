/** Plain data → YAML, as much of it as manifests need: block style, strings quoted when they could be read as something else. */

type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data }

/** One document, with its end of line. */
export function toYaml(data: Data): string {
  return `${lines(data, '').join('\n')}\n`
}

function lines(data: Data, indent: string): string[] {
  if (Array.isArray(data)) return data.flatMap(item => itemLines(item, indent))
  if (data === null || typeof data !== 'object') return [`${indent}${scalar(data)}`]
  return Object.entries(data).flatMap(([key, value]) => {
    const head = `${indent}${scalar(key)}:`
    if (isEmpty(value) || value === null || typeof value !== 'object') return [`${head} ${flow(value)}`]
    // A list stands below its key, an object further in.
    return [head, ...lines(value, Array.isArray(value) ? indent : `${indent}  `)]
  })
}

function itemLines(item: Data, indent: string): string[] {
  if (item === null || typeof item !== 'object' || isEmpty(item)) return [`${indent}- ${flow(item)}`]
  const [first = '', ...rest] = lines(item, `${indent}  `)
  return [`${indent}- ${first.trimStart()}`, ...rest]
}

function isEmpty(data: Data): boolean {
  return typeof data === 'object' && data !== null && Object.keys(data).length === 0
}

function flow(data: Data): string {
  if (data === null || typeof data !== 'object') return scalar(data)
  return Array.isArray(data) ? '[]' : '{}'
}

/** Words that YAML 1.1 readers take for a boolean or null. */
const TAKEN = /^(y|n|yes|no|on|off|true|false|null|~)$/i

function scalar(value: null | boolean | number | string): string {
  if (typeof value !== 'string') return String(value)
  const isPlain =
    /^[A-Za-z_./$-][A-Za-z0-9_./$-]*( [A-Za-z0-9_./$-]+)*$/.test(value) &&
    !TAKEN.test(value) &&
    !/^[-.]/.test(value)
  return isPlain ? value : JSON.stringify(value)
}
