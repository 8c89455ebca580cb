/**
 * Exec agent of a lab guest, plain Node without dependencies.
 * GET / → {bootId, uptime}. POST /run, body = shell script → one JSON object a line: {o} output, {e} errors,
 * last {rc, signal}; when the caller goes away before that, the command's process group is killed.
 * POST /signal {pattern, signal} → {pids}: processes whose command line matches, except this one and kernel threads.
 * GET or PUT /file?path=P&mode=M → the bytes.
 */
import { spawn } from 'node:child_process'
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'

const [address, port] = process.argv.slice(2)
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function runScript(script, response) {
  const say = object => response.write(`${JSON.stringify(object)}\n`)
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let ended = false
  child.stdout.setEncoding('utf8').on('data', o => say({ o }))
  child.stderr.setEncoding('utf8').on('data', e => say({ e }))
  child.on('error', error => {
    ended = true
    say({ e: `${error}\n` })
    say({ rc: 127 })
    response.end()
  })
  // 'exit', not 'close': a background process that keeps the pipes must not hold the answer
  child.on('exit', (rc, signal) => {
    ended = true
    setTimeout(() => {
      say({ rc: rc ?? 128, ...(signal ? { signal } : {}) })
      response.end()
    }, 10)
  })
  response.on('close', () => {
    if (ended || child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {}
  })
}

function signalMatching({ pattern, signal }) {
  const wanted = new RegExp(pattern)
  const pids = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid <= 2 || pid === process.pid) continue
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      if (command === '' || !wanted.test(command)) continue
      process.kill(pid, signal)
      pids.push(pid)
    } catch {} // it ended in between
  }
  return pids
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://guest')
  const file = url.searchParams.get('path')
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /':
      return response.end(
        JSON.stringify({ bootId, uptime: Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) }),
      )
    case 'POST /run':
      return runScript((await bodyOf(request)).toString(), response)
    case 'POST /signal':
      return response.end(JSON.stringify({ pids: signalMatching(JSON.parse(await bodyOf(request))) }))
    case 'PUT /file':
      writeFileSync(file, await bodyOf(request), {
        mode: Number.parseInt(url.searchParams.get('mode') ?? '644', 8),
      })
      return response.end('{}')
    case 'GET /file':
      return createReadStream(file)
        .on('error', error => response.destroy(error))
        .pipe(response)
    default:
      response.statusCode = 404
      return response.end()
  }
}

http
  .createServer((request, response) => {
    answer(request, response).catch(error => {
      response.statusCode = 500
      response.end(String(error))
    })
  })
  .listen(Number(port), address)
