/**
 * The oracle's writer: appends numbered, checksummed records of 256 bytes to a file, one fsync each, and reports each
 * number only after its fsync has returned. Plain Node, no dependencies: it runs in guests and in containers.
 *
 *   node writer.mjs FILE COLLECTOR_HOST:PORT NODE RESOURCE [EVERY_MS]
 *
 * A record: "HWR1 SEQ WRITER NODE RESOURCE WALL_MS" padded to 247 bytes, the CRC-32 of these in hex, line feed.
 * Reports are JSON lines: {hello, …} at the start, one per record, {stopped, …} at the end.
 * Exit status: 0 after SIGTERM, 64 wrong arguments, 65 damaged file, 74 a read or write failed (EIO and all others).
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { crc32 } from 'node:zlib'

const SIZE = 256
const BODY = SIZE - 9
const [file, collector, node, resource, everyText = '20'] = process.argv.slice(2)
const everyMs = Number(everyText)
const address = /^(.+):(\d+)$/.exec(collector ?? '')
if (!file || !address || !node || !resource || !(everyMs >= 0)) {
  console.error('usage: writer.mjs FILE COLLECTOR_HOST:PORT NODE RESOURCE [EVERY_MS]')
  process.exit(64)
}
const writer = randomBytes(8).toString('hex')
const mono = () => Number(process.hrtime.bigint()) / 1e6

/** Reports wait while the collector is away; what was acknowledged stays acknowledged. */
const pending = []
let socket
function connect() {
  const connection = net.connect(Number(address[2]), address[1])
  connection.setNoDelay(true)
  connection.on('connect', () => {
    socket = connection
    for (const line of pending.splice(0)) connection.write(line)
  })
  connection.on('error', () => {})
  connection.on('close', () => {
    socket = undefined
    setTimeout(connect, 200).unref()
  })
}
function report(object) {
  const line = `${JSON.stringify({ writer, node, resource, ...object })}\n`
  if (socket) socket.write(line)
  else pending.push(line)
}

function stop(why, status) {
  console.error(`writer ${writer} on ${node} stops: ${why}`)
  report({ stopped: why })
  // one moment for the report; the status counts, not the courtesy
  if (socket) socket.end(() => process.exit(status))
  setTimeout(() => process.exit(status), 500)
}

function encode(seq) {
  const head = `HWR1 ${String(seq).padStart(12, '0')} ${writer} ${node} ${resource} ${Date.now()}`
  if (head.length > BODY) throw new RangeError('node and resource names are too long for a record')
  const body = Buffer.from(head.padEnd(BODY))
  const crc = crc32(body)
  return { crc, bytes: Buffer.concat([body, Buffer.from(`${crc.toString(16).padStart(8, '0')}\n`)]) }
}

function isRecord(bytes, seq) {
  if (bytes.length !== SIZE || Number(bytes.toString('latin1', 5, 17)) !== seq) return false
  return crc32(bytes.subarray(0, BODY)) === Number.parseInt(bytes.toString('latin1', BODY, BODY + 8), 16)
}

/** How many records the file holds. A torn tail goes; a hole in the middle is damage, and not ours to hide. */
function recover(fd) {
  const content = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, content, 0, content.length, 0)
  let count = 0
  while (isRecord(content.subarray(count * SIZE, (count + 1) * SIZE), count + 1)) count++
  for (let later = count + 1; later * SIZE < content.length; later++) {
    if (!isRecord(content.subarray(later * SIZE, (later + 1) * SIZE), later + 1)) continue
    stop(`record ${count + 1} is damaged, but ${later + 1} is whole`, 65)
    return undefined
  }
  if (content.length > count * SIZE) {
    ftruncateSync(fd, count * SIZE)
    fsyncSync(fd)
  }
  return count
}

function syncFolder(folder) {
  const fd = openSync(folder, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

let stopped = false
let bootId = 'unknown'
try {
  bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
} catch {}
connect()
process.on('SIGTERM', () => {
  stopped = true
  stop('SIGTERM', 0)
})

try {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644)
  syncFolder(path.dirname(file))
  const found = recover(fd)
  if (found !== undefined) {
    report({ hello: true, found, bootId, mono: mono(), wall: Date.now() })
    writeNext(fd, found + 1)
  }
} catch (error) {
  stop(String(error), 74)
}

function writeNext(fd, seq) {
  if (stopped) return
  try {
    const { crc, bytes } = encode(seq)
    const before = { mono: mono(), wall: Date.now() }
    let done = 0
    while (done < SIZE) done += writeSync(fd, bytes, done, SIZE - done, (seq - 1) * SIZE + done)
    fsyncSync(fd)
    const after = { mono: mono(), wall: Date.now() }
    report({ seq, crc, before, after })
  } catch (error) {
    stop(String(error), 74)
    return
  }
  setTimeout(() => writeNext(fd, seq + 1), everyMs)
}
