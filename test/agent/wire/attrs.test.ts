/** Attribute runs: what a table writes it reads back, what it does not know it names, what is broken it refuses. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  type BlockTable,
  eachAttr,
  type FieldKind,
  readBlock,
  writeAttr,
  writeBlock,
} from '../../../agent/wire/attrs.ts'
import { BLOCKS } from '../../../agent/wire/drbd-tables.ts'
import { viewOf } from '../../../agent/wire/nlmsg.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter(each => !each.includes('\0'))
const bytes = fc.uint8Array({ maxLength: 40 })
const VALUE: Readonly<Record<FieldKind, fc.Arbitrary<unknown>>> = {
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  s32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  u64: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  flg: fc.boolean(),
  str: text,
  bin: bytes,
  strs: fc.array(text, { minLength: 1, maxLength: 4 }),
  bins: fc.array(bytes, { minLength: 1, maxLength: 4 }),
}

function anyValueOf(table: BlockTable): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.values(table.fields).map(([name, kind]) => [name, VALUE[kind]] as const)
  return fc.record(Object.fromEntries(fields), { requiredKeys: [], noNullPrototype: true })
}

/** The nest that `writeBlock` made, without its own header. */
function readBack(table: BlockTable, nest: Uint8Array, unknown: string[]): unknown {
  const view = viewOf(nest)
  return readBlock(table, view, 4, view.getUint16(0, true), unknown)
}

t.test('every table reads back what it wrote', t => {
  for (const table of BLOCKS as readonly BlockTable[]) {
    fc.assert(
      fc.property(anyValueOf(table), value => {
        const unknown: string[] = []
        return (
          isDeepStrictEqual(readBack(table, writeBlock(table, value as never), unknown), value) &&
          unknown.length === 0
        )
      }),
      { numRuns: 60 },
    )
  }
  t.pass()
  t.end()
})

t.test('numbers and names occur once in a table, and blocks once among the tables', t => {
  t.equal(new Set(BLOCKS.map(({ no }) => no)).size, BLOCKS.length)
  t.equal(new Set(BLOCKS.map(({ name }) => name)).size, BLOCKS.length)
  for (const { name, fields } of BLOCKS as readonly BlockTable[]) {
    const names = Object.values(fields).map(([field]) => field)
    t.equal(new Set(names).size, names.length, name)
  }
  t.end()
})

t.test('the marks in the type are no part of the number, padding is skipped', t => {
  const seen: number[] = []
  const run = Uint8Array.of(
    ...[5, 0, 2, 0x40, 1, 0, 0, 0], // mandatory mark
    ...[4, 0, 0, 0], // padding
    ...[4, 0, 3, 0x80], // nested mark, empty
    ...[6, 0, 4, 0xc0, 1, 2], // the last one needs no padding
  )
  eachAttr(viewOf(run), 0, run.length, (type, from, to) => seen.push(type, from, to))
  t.same(seen, [2, 4, 5, 3, 16, 16, 4, 20, 22])
  t.end()
})

t.test('an unknown field is named and the known ones are read', t => {
  const table = { no: 16, name: 'device_info', fields: { 1: ['dev_disk_state', 'u32'] } } as const
  const nest = writeAttr(16, Uint8Array.of(8, 0, 99, 0, 1, 2, 3, 4, 8, 0, 1, 0, 7, 0, 0, 0))
  const unknown: string[] = []
  t.same(readBack(table, nest, unknown), { dev_disk_state: 7 })
  t.same(unknown, ['device_info.99'])
  t.end()
})

t.test('what does not fit is refused with its offset', t => {
  const table = {
    no: 16,
    name: 'x',
    fields: { 1: ['n', 'u32'], 2: ['big', 'u64'], 3: ['flag', 'flg'] },
  } as const
  const refused = (run: number[], offset: number): void => {
    const bytes = Uint8Array.of(...run)
    t.throws(() => readBlock(table, viewOf(bytes), 0, bytes.length, []), {
      code: 'WIRE_MALFORMED',
      fields: { offset },
    })
  }
  refused([3, 0, 1, 0], 0) // shorter than its own header
  refused([9, 0, 1, 0, 1, 2, 3, 4], 0) // reaches over the end
  refused([8, 0, 1, 0, 1, 2, 3, 4, 1, 0], 8) // half a header
  refused([6, 0, 1, 0, 1, 2], 4) // a u32 of two bytes
  refused([8, 0, 2, 0, 1, 2, 3, 4], 4) // a u64 of four
  refused([4, 0, 3, 0], 4) // a flag without a byte
  t.end()
})

t.test('a list takes turns with its neighbour, as the kernel wants paths', t => {
  const table = { no: 28, name: 'path_parms', fields: { 1: ['my', 'bins'], 2: ['peer', 'bins'] } } as const
  const nest = writeBlock(table, {
    my: [Uint8Array.of(1), Uint8Array.of(2)],
    peer: [Uint8Array.of(3), Uint8Array.of(4)],
  })
  const order: number[] = []
  eachAttr(viewOf(nest), 4, nest.length, type => order.push(type))
  t.same(order, [1, 2, 1, 2])
  t.end()
})
