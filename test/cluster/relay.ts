/** Runs inside the lab's network: takes connections on unix sockets DIR/PORT and passes them to ADDRESS:PORT. */
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

const [dir = '', address = '', ...ports] = process.argv.slice(2)
for (const port of ports) {
  const server = createServer({ allowHalfOpen: true }, near => {
    const far = connect({ host: address, port: Number(port), allowHalfOpen: true, noDelay: true })
    pipeline(near, far, () => {})
    pipeline(far, near, () => {})
  })
  server.listen(`${dir}/${port}`)
}
