/** Asks a program of the cluster once whether it is healthy. */
import { readFileSync } from 'node:fs'
import {
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http'
import { request as tlsRequest } from 'node:https'

export interface ProbeWanted {
  readonly port: number
  readonly path: string
  /** Absent: plain HTTP. `unverified`: the program made its own certificate. */
  readonly tls?: { readonly caFile: string } | 'unverified'
}

/** True on status 200 within two seconds. */
export async function probe(wanted: ProbeWanted): Promise<boolean> {
  const options: RequestOptions = {
    path: wanted.path,
    agent: false,
    timeout: 2000,
    host: '127.0.0.1',
    port: wanted.port,
  }
  return new Promise((resolve, reject) => {
    const done = (response: IncomingMessage) => {
      response.resume()
      resolve(response.statusCode === 200)
    }
    const request = open(wanted, options, done)
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.end()
  })
}

function open(
  wanted: ProbeWanted,
  options: RequestOptions,
  done: (response: IncomingMessage) => void,
): ClientRequest {
  if (wanted.tls === undefined) return plainRequest(options, done)
  if (wanted.tls === 'unverified') return tlsRequest({ ...options, rejectUnauthorized: false }, done)
  return tlsRequest({ ...options, ca: readFileSync(wanted.tls.caFile), servername: 'localhost' }, done)
}
