/** Where a control plane's files, addresses and ports are. */
import { createServer } from 'node:net'

export type PartName = 'etcd' | 'apiserver' | 'controllers' | 'scheduler'

export interface Layout {
  readonly kubehost: string
  readonly dir: string
  /** The folder of the authority: its certificate, all that it issued. */
  readonly pki: string
  /** What the API server listens on, and the address that others know it by. */
  readonly bind: string
  readonly address: string
  readonly ports: Ports
  /** Undefined: as Kubernetes has it (50 s). */
  readonly nodeGraceSeconds: number | undefined
  /** More flags, for one program each. */
  readonly extra: Readonly<Record<PartName, readonly string[]>>
}

export interface Ports {
  readonly api: number
  readonly controllers: number
  readonly scheduler: number
  readonly etcd: number
  readonly etcdPeer: number
}

/** In the lab's network namespace nobody else listens: fixed ports; 443 lets the service address work without kube-proxy. */
export const LAB_PORTS: Ports = { api: 443, controllers: 10257, scheduler: 10259, etcd: 2379, etcdPeer: 2380 }

/** Ports of this machine's loopback that were free a moment ago. */
export async function freePorts(api: number): Promise<Ports> {
  const servers = await Promise.all(Array.from({ length: 5 }, listenAnywhere))
  const [a, controllers, scheduler, etcd, etcdPeer] = servers.map(server => server.port) as [
    number,
    number,
    number,
    number,
    number,
  ]
  await Promise.all(servers.map(server => server.close()))
  return { api: api || a, controllers, scheduler, etcd, etcdPeer }
}

async function listenAnywhere(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
  return { port: address.port, close: () => new Promise(resolve => server.close(() => resolve())) }
}
