/** The gRPC server, called the way the kubelet's plugin watcher and CSI client call it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { connect as netConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { frame, openGrpcServer, unframe } from './grpc.ts'
import type { NodeHost } from './host.ts'
import { nodeMethods, registrationMethods } from './plugin.ts'
import { readFields, writeFields } from './protobuf.ts'

const { signal } = new AbortController()
const dir = await mkdtemp(join(tmpdir(), 'hawser-csi-'))
t.teardown(() => rm(dir, { recursive: true, force: true }))

interface Reply {
  readonly status: string
  readonly message: string
  readonly body: Buffer
}

async function call(path: string, method: string, message: Buffer): Promise<Reply> {
  const session = connect('http://localhost', { createConnection: () => netConnect(path) })
  const stream = session.request({
    ':method': 'POST',
    ':path': method,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let headers: Record<string, unknown> = {}
  const take = (more: object) => {
    headers = { ...headers, ...more }
  }
  stream.on('response', take).on('trailers', take)
  stream.end(frame(message))
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  session.close()
  const bytes = Buffer.concat(chunks)
  const text = decodeURIComponent(String(headers['grpc-message'] ?? ''))
  return {
    status: String(headers['grpc-status']),
    message: text,
    body: bytes.length > 0 ? unframe(bytes) : bytes,
  }
}

t.test('the kubelet learns the driver and its socket', async t => {
  const path = join(dir, 'reg.sock')
  const said: unknown[] = []
  await using _server = await openGrpcServer(
    path,
    registrationMethods((ok, error) => said.push([ok, error])),
    signal,
  )
  const info = await call(path, '/pluginregistration.Registration/GetInfo', Buffer.alloc(0))
  t.equal(info.status, '0')
  t.equal(String(readFields(info.body).get(2)), 'linstor.csi.linbit.com')
  const told = writeFields([
    [1, 0n],
    [2, 'not now'],
  ])
  await call(path, '/pluginregistration.Registration/NotifyRegistrationStatus', told)
  t.same(said, [[false, 'not now']])
})

t.test('a method that fails and one that does not exist are gRPC errors', async t => {
  const path = join(dir, 'csi.sock')
  const host: NodeHost = {
    run: () => Promise.resolve({ status: 17, stdout: '', stderr: 'Need access to UpToDate data' }),
    readMounts: () => Promise.resolve(new Map([['/t', '/dev/drbd0']])),
  }
  const steps: string[] = []
  await using _server = await openGrpcServer(
    path,
    nodeMethods('n1', host, step => void steps.push(step)),
    signal,
  )
  const node = await call(path, '/csi.v1.Node/NodeGetInfo', Buffer.alloc(0))
  t.equal(String(readFields(node.body).get(1)), 'n1')
  const none = await call(path, '/csi.v1.Node/NodeExpandVolume', Buffer.alloc(0))
  t.equal(none.status, '12')
  const request = writeFields([
    [1, 'r0'],
    [2, '/t'],
  ])
  const refused = await call(path, '/csi.v1.Node/NodeUnpublishVolume', request)
  t.equal(refused.status, '13')
  t.match(refused.message, /umount .t.*Need access to UpToDate data/)
  t.same(steps, ['unpublish', 'failed'])
})

t.test('a frame that is not one whole message is refused', t => {
  t.same(unframe(frame(Buffer.from('abc'))), Buffer.from('abc'))
  for (const bytes of ['', '0000000004616263', '0100000003616263'])
    t.throws(() => unframe(Buffer.from(bytes, 'hex')), { code: 'WIRE_MALFORMED' })
  t.end()
})
