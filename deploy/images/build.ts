/** `npm run image -- [--out DIR] [agent] [coordinator]`: writes the container images as OCI archives. */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { AppError, EXIT, sayError } from '#kit/errors.ts'
import { type Image, type Layer, writeArchive } from './archive.ts'
import { nodeLayer } from './layers.ts'
import { agentImage, coordinatorImage } from './product.ts'

const MAKERS: Readonly<Record<string, (node: Layer, signal: AbortSignal) => Promise<Image>>> = {
  agent: agentImage,
  coordinator: coordinatorImage,
}

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = readArguments(args)
  await mkdir(values.out, { recursive: true })
  const node = await nodeLayer(signal)
  for (const name of positionals.length > 0 ? positionals : Object.keys(MAKERS)) {
    const image = await MAKERS[name]?.(node, signal)
    if (!image)
      throw new AppError(
        'ARGUMENT_INVALID',
        `no such image: ${name}; there are ${Object.keys(MAKERS).join(', ')}`,
      )
    const file = join(values.out, `hawser-${name}.tar`)
    await writeArchive(file, [image])
    console.log(`${image.name}  ${file}  ${Math.round((await stat(file)).size / (1 << 20))} MiB`)
  }
}

function readArguments(args: readonly string[]) {
  try {
    const out = { type: 'string', default: join(import.meta.dirname, '../../build/images') } as const
    return parseArgs({ args: [...args], options: { out }, allowPositionals: true })
  } catch (cause) {
    throw new AppError(
      'ARGUMENT_INVALID',
      'usage: npm run image -- [--out DIR] [agent] [coordinator]',
      {},
      cause,
    )
  }
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('interrupted')))
try {
  await main(process.argv.slice(2), stop.signal)
} catch (error) {
  console.error(sayError(error))
  process.exitCode = error instanceof AppError && error.code === 'ARGUMENT_INVALID' ? EXIT.usage : EXIT.failed
}
