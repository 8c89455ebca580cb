/** The protobuf codec: what is written is read again, and arbitrary bytes are read or refused. */
import fc from 'fast-check'
import t from 'tap'
import { AppError } from '#kit/errors.ts'
import { readPublishRequest, readUnpublishRequest, writePublishRequest } from './messages.ts'
import { readFields, writeFields } from './protobuf.ts'

t.test('fields survive the way there and back', t => {
  const value = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.uint8Array({ maxLength: 300 }).map(Buffer.from),
  )
  const fields = fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), value), { maxLength: 20 })
  fc.assert(
    fc.property(fields, written => {
      const read = [...readFields(writeFields(written))].flatMap(([number, values]) =>
        values.map(one => [number, one]),
      )
      const byNumber = (a: readonly unknown[], b: readonly unknown[]) => Number(a[0]) - Number(b[0])
      const text = (list: readonly (readonly unknown[])[]) =>
        [...list].sort(byNumber).map(([n, v]) => `${n} ${Buffer.isBuffer(v) ? v.toString('hex') : v}`)
      return JSON.stringify(text(read)) === JSON.stringify(text(written))
    }),
  )
  t.end()
})

t.test('arbitrary bytes are read, or refused with WIRE_MALFORMED', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      try {
        readPublishRequest(Buffer.from(bytes))
        readUnpublishRequest(Buffer.from(bytes))
        return true
      } catch (error) {
        return error instanceof AppError && error.code === 'WIRE_MALFORMED'
      }
    }),
    { numRuns: 2000 },
  )
  t.end()
})

t.test('a message that is cut short is refused', t => {
  const whole = writeFields([[1, 'a resource']])
  for (let length = 1; length < whole.length; length++)
    t.throws(() => readFields(whole.subarray(0, length)), { code: 'WIRE_MALFORMED' })
  t.end()
})

t.test('a publish request as the CSI specification numbers it', t => {
  // volume_id = 1, target_path = 4, volume_capability = 5 { mount = 2 { fs_type = 1 }, access_mode = 3 }, volume_context = 8
  const bytes = Buffer.from(
    ['0a027230', '22022f74', '2a0a', '12060a0465787434', '1a00', '420b', '0a0364657612042f646576'].join(''),
    'hex',
  )
  t.same(readPublishRequest(bytes), {
    volumeId: 'r0',
    targetPath: '/t',
    mount: { fsType: 'ext4', flags: [] },
    readonly: false,
    context: { dev: '/dev' },
  })
  const request = { ...readPublishRequest(bytes), readonly: true, mount: undefined }
  t.same(readPublishRequest(writePublishRequest(request)), request)
  t.end()
})
