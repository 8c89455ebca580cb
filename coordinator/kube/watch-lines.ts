/** Cuts the body of a watch into lines, each below a limit. */
import { AppError } from '#kit/errors.ts'

/** Larger than any object that etcd takes (1.5 MiB), JSON escapes included. */
const MAX_LINE_BYTES = 8 * 1024 * 1024
const NEWLINE = 0x0a

export async function* readLines(
  body: AsyncIterable<Buffer>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<string> {
  /** Pieces of a line whose end has not come: joined once, so that a long line costs no quadratic copying. */
  let pieces: Buffer[] = []
  let held = 0
  for await (const part of body) {
    let start = 0
    for (;;) {
      const end = part.indexOf(NEWLINE, start)
      const piece = part.subarray(start, end === -1 ? part.length : end)
      held += piece.length
      if (held > maxBytes)
        throw new AppError('ANSWER_TOO_LARGE', 'a line of a watch is too long', { maxBytes })
      pieces.push(piece)
      if (end === -1) break
      const line = Buffer.concat(pieces).toString('utf8')
      pieces = []
      held = 0
      start = end + 1
      if (line !== '') yield line
    }
  }
  // Half a line at the end is a connection that broke: what it said is lost, the next watch says it again.
  if (held > 0) throw new AppError('API_UNREACHABLE', 'a watch broke off in the middle of a line')
}
