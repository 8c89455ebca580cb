/** A real control plane of Kubernetes: etcd, API server, controller manager, scheduler, on loopback or in the lab's network. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Authority, kubeconfigText, makeTokenKeys, openAuthority } from './certificates.ts'
import { apiserverArgv, controllersArgv, etcdArgv, schedulerArgv } from './flags.ts'
import { freePorts, LAB_PORTS, type Layout, type PartName } from './layout.ts'
import { type Part, type PartWanted, startPart } from './part.ts'
import { type ProbeWanted, probe } from './probe.ts'
import { type ProgramResult, runProgram } from './program.ts'

export type { PartName } from './layout.ts'

export interface ControlPlaneOptions {
  /** The binary of `findBinary`. */
  readonly kubehost: string
  /** A folder of its own: certificates, data and logs; it stays after the end. */
  readonly dir: string
  /** Which parts beside etcd and the API server; both unless told. */
  readonly parts?: readonly ('controllers' | 'scheduler')[]
  /** The API server's port on loopback; a free one unless told. */
  readonly port?: number
  /** Absent: this machine's loopback. Otherwise the network namespace of a lab. */
  readonly lab?: LabNetwork
  readonly nodeGraceSeconds?: number
  readonly extra?: Partial<Layout['extra']>
}

/** The little of a lab that a control plane needs. */
export interface LabNetwork {
  /** This machine's address there. */
  readonly address: string
  /** The command line that runs `argv` in the lab's network namespace. */
  inNet(argv: readonly string[]): readonly string[]
}

export interface ControlPlane extends AsyncDisposable {
  readonly dir: string
  /** As programs in the same network reach it. */
  readonly url: string
  /** Set when the API server is in a lab: the unix socket by which this process reaches it (TLS name: localhost). */
  readonly socketPath: string | undefined
  readonly caFile: string
  readonly adminToken: string
  /** The administrator's kubeconfig, a file. */
  readonly kubeconfig: string
  readonly authority: Authority
  stop(part: PartName): Promise<void>
  /** Starts a stopped part and waits until it is healthy. */
  start(part: PartName): Promise<void>
  /** Runs kubectl as administrator; whatever its status is, it is an answer. */
  kubectl(args: readonly string[], options?: { input?: string; deadlineMs?: number }): Promise<ProgramResult>
}

const READY_MS = 90_000

/** Ends when everything is healthy: 5 to 13 s on 2 cores. */
export async function openControlPlane(
  options: ControlPlaneOptions,
  signal: AbortSignal,
): Promise<ControlPlane> {
  const layout = await layOut(options)
  const { dir, pki, kubehost, ports, address } = layout
  const url = `https://${address}:${ports.api}`
  const authority = await openAuthority(pki, signal)
  const adminToken = randomBytes(16).toString('hex')
  await makeCredentials(authority, layout, url, adminToken, signal)

  const wrap = (argv: readonly string[]) => options.lab?.inNet(argv) ?? argv
  const sockets = options.lab ? join(dir, 'sockets') : undefined
  await using stack = new AsyncDisposableStack()
  if (sockets !== undefined) stack.use(await openRelay(layout, sockets, wrap, signal))
  const running = new Map<PartName, Part>()
  const stop = async (name: PartName) => {
    await running.get(name)?.stop()
    running.delete(name)
  }
  const start = async (name: PartName) => {
    if (running.has(name)) return
    running.set(name, await startPart(partWanted(name, layout, sockets), wrap, signal))
  }
  stack.defer(async () => {
    await Promise.all([stop('controllers'), stop('scheduler')])
    await stop('apiserver')
    await stop('etcd')
  })
  await start('etcd')
  await start('apiserver')
  await Promise.all((options.parts ?? ['controllers', 'scheduler']).map(start))

  const kubeconfig = join(pki, 'admin.kubeconfig')
  const parts = stack.move()
  return {
    dir,
    url,
    socketPath: sockets && join(sockets, String(ports.api)),
    caFile: authority.caFile,
    adminToken,
    kubeconfig,
    authority,
    stop,
    start,
    kubectl: (args, { input, deadlineMs = 60_000 } = {}) =>
      runProgram(
        wrap([
          kubehost,
          'kubectl',
          `--kubeconfig=${kubeconfig}`,
          `--cache-dir=${dir}/kubectl-cache`,
          ...args,
        ]),
        {
          signal,
          deadlineMs,
          ...(input === undefined ? {} : { input }),
        },
      ),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function layOut(options: ControlPlaneOptions): Promise<Layout> {
  const pki = join(options.dir, 'pki')
  await mkdir(pki, { recursive: true, mode: 0o700 })
  return {
    kubehost: options.kubehost,
    dir: options.dir,
    pki,
    bind: options.lab ? '0.0.0.0' : '127.0.0.1',
    address: options.lab?.address ?? '127.0.0.1',
    ports: options.lab ? LAB_PORTS : await freePorts(options.port ?? 0),
    nodeGraceSeconds: options.nodeGraceSeconds,
    extra: { etcd: [], apiserver: [], controllers: [], scheduler: [], ...options.extra },
  }
}

async function makeCredentials(
  authority: Authority,
  layout: Layout,
  url: string,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const { pki, address } = layout
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map(
    name => `DNS:${name}`,
  )
  const addresses = [...new Set(['127.0.0.1', '10.96.0.1', address])].map(ip => `IP:${ip}`)
  const user = async (name: string, commonName: string, organization?: string) => {
    const made = await authority.issue({
      name,
      commonName,
      ...(organization === undefined ? {} : { organization }),
    })
    await writeFile(join(pki, `${name}.kubeconfig`), await kubeconfigText(url, authority.caFile, made), {
      mode: 0o600,
    })
  }
  await Promise.all([
    makeTokenKeys(pki, signal),
    authority.issue({ name: 'apiserver', commonName: 'kube-apiserver', altNames: [...names, ...addresses] }),
    authority.issue({
      name: 'kubelet-client',
      commonName: 'apiserver-kubelet-client',
      organization: 'system:masters',
    }),
    user('admin', 'admin', 'system:masters'),
    user('kcm', 'system:kube-controller-manager'),
    user('scheduler', 'system:kube-scheduler'),
    writeFile(join(pki, 'tokens.csv'), `${token},admin,admin-token,system:masters\n`, { mode: 0o600 }),
  ])
}

function partWanted(name: PartName, layout: Layout, sockets: string | undefined): PartWanted {
  const { ports, pki } = layout
  const how: Record<PartName, { argv: string[]; check: ProbeWanted }> = {
    etcd: { argv: etcdArgv(layout), check: { port: ports.etcd, path: '/health' } },
    apiserver: {
      argv: apiserverArgv(layout),
      check: { port: ports.api, path: '/readyz', tls: { caFile: `${pki}/ca.crt` } },
    },
    controllers: {
      argv: controllersArgv(layout),
      check: { port: ports.controllers, path: '/healthz', tls: 'unverified' },
    },
    scheduler: {
      argv: schedulerArgv(layout),
      check: { port: ports.scheduler, path: '/healthz', tls: 'unverified' },
    },
  }
  const { argv, check } = how[name]
  return {
    name,
    argv,
    cwd: layout.dir,
    logFile: join(layout.dir, `${name}.log`),
    ready: () => probe({ ...check, sockets }),
    readyMs: READY_MS,
  }
}

/** The way from this process into the lab's network: one unix socket for each port. */
async function openRelay(
  layout: Layout,
  sockets: string,
  wrap: (argv: readonly string[]) => readonly string[],
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { api, controllers, scheduler, etcd } = layout.ports
  await mkdir(sockets, { recursive: true, mode: 0o700 })
  const relay = await startPart(
    {
      name: 'relay',
      argv: [
        process.execPath,
        join(import.meta.dirname, 'relay.ts'),
        sockets,
        '127.0.0.1',
        ...[api, controllers, scheduler, etcd].map(String),
      ],
      cwd: layout.dir,
      logFile: join(layout.dir, 'relay.log'),
      ready: async () => existsSync(join(sockets, String(etcd))),
      readyMs: 30_000,
    },
    wrap,
    signal,
  )
  return { [Symbol.asyncDispose]: () => relay.stop(0) }
}
