/** The command `hawser`: asks the agent of this node over its socket and shows the answer. */
import { parseArgs } from 'node:util'
import { AppError, EXIT, sayError } from '#kit/errors.ts'
import { SOCKET_PATH } from '#protocol/names.ts'
import { DecisionsSchema, StatusSchema } from '#protocol/status.ts'
import { askAgent } from './ask-agent.ts'
import { renderStatus } from './render-status.ts'

const USAGE = `hawser: looks at this node through its agent

  hawser status [-o text|json]   nodes, volumes, and what was decided last
  hawser decisions [-o text|json]

  --socket PATH   (${SOCKET_PATH})
  -h, --help
`

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = readArguments(argv)
    if (values.help === true) {
      process.stdout.write(USAGE)
      return EXIT.ok
    }
    const [command = 'status', ...rest] = positionals
    const first = rest[0]
    if (first !== undefined)
      throw new AppError('ARGUMENT_INVALID', `${JSON.stringify(first)} is one word too many`)
    process.stdout.write(await run(command, values.socket ?? SOCKET_PATH, values.output ?? 'text'))
    return EXIT.ok
  } catch (error) {
    process.stderr.write(`hawser: ${sayError(error)}\n`)
    if (!(error instanceof AppError)) return EXIT.fault
    return error.code === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.later
  }
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        socket: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    throw new AppError(
      'ARGUMENT_INVALID',
      cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause),
    )
  }
}

async function run(command: string, socket: string, output: string): Promise<string> {
  if (output !== 'text' && output !== 'json')
    throw new AppError('ARGUMENT_INVALID', `-o: ${JSON.stringify(output)} is none of text, json`)
  if (command !== 'status' && command !== 'decisions')
    throw new AppError(
      'ARGUMENT_INVALID',
      `${JSON.stringify(command)} is no command of hawser (--help lists them)`,
    )
  const decisions = DecisionsSchema.parse(await askAgent(socket, '/v1/decisions'))
  if (command === 'decisions')
    return output === 'json'
      ? `${JSON.stringify(decisions, undefined, 2)}\n`
      : `${decisions.decisions.map(sayDecision).join('\n')}\n`
  const status = StatusSchema.parse(await askAgent(socket, '/v1/status'))
  if (output === 'json')
    return `${JSON.stringify({ ...status, decisions: decisions.decisions }, undefined, 2)}\n`
  return renderStatus(status, decisions.decisions)
}

function sayDecision({
  at,
  topic,
  subject,
  verdict,
  because,
}: {
  at: string
  topic: string
  subject: string
  verdict: string
  because: string
}): string {
  return `${at} ${topic} ${subject}: ${verdict}${because === '' ? '' : ` (${because})`}`
}
