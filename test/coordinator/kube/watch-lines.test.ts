import fc from 'fast-check'
import t from 'tap'
import { readLines } from '../../../coordinator/kube/watch-lines.ts'
import { collect } from '../../fakes/collect.ts'

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

t.test('lines come out whole, however the bytes were cut, also within a character', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: 'binary', minLength: 1 }).map(text => text.replaceAll('\n', ' ').toWellFormed()),
      ),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      async (lines, sizes) => {
        const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
        const read = await collect(readLines(pieces(bytes, sizes)))
        return JSON.stringify(read) === JSON.stringify(lines)
      },
    ),
  )
  t.pass('holds')
})

t.test('half a line at the end is a fault, empty lines are not', async t => {
  await t.rejects(collect(readLines(pieces(Buffer.from('{"a":1}\n{"b'), [4]))), {
    code: 'API_UNREACHABLE',
  })
  t.same(await collect(readLines(pieces(Buffer.from('a\n\nb\n'), [1]))), ['a', 'b'])
})

t.test('a line without end is refused at its limit', async t => {
  await t.rejects(collect(readLines(pieces(Buffer.alloc(2_000, 97), [100]), 1_000)), {
    code: 'ANSWER_TOO_LARGE',
  })
  t.same(await collect(readLines(pieces(Buffer.from(`${'a'.repeat(1_000)}\n`), [100]), 1_000)), [
    'a'.repeat(1_000),
  ])
})
