/** A real control plane of Kubernetes: etcd, API server, controller manager, scheduler, on loopback or in the lab's network. */
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostAddress } from '../lab/layout.ts'
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
  /** A folder of its own: certificates, data and logs; emptied of the former two, it stays after the end. */
  readonly dir: string
  /** An authority that exists already, for certificates that are needed before the control plane stands. */
  readonly authority?: Authority
  /** Which parts beside etcd and the API server; both unless told. */
  readonly parts?: readonly ('controllers' | 'scheduler')[]
  /** The API server's port on loopback; a free one unless told. */
  readonly port?: number
  /** This process lives in a lab's network (`enterLab`): serve its nodes. Otherwise only this machine's loopback is served. */
  readonly inLab?: boolean
  readonly nodeGraceSeconds?: number
  readonly extra?: Partial<Layout['extra']>
}

export interface ControlPlane extends AsyncDisposable {
  readonly dir: string
  readonly url: string
  /** etcd's address for clients, without TLS. */
  readonly etcdUrl: string
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
  const { dir } = options
  // what an earlier control plane left there does not fit to this one
  await rm(join(dir, 'etcd'), { recursive: true, force: true })
  const authority = options.authority ?? (await openAuthority(join(dir, 'pki'), signal))
  const layout = await layOut(options, authority.dir)
  const { pki, kubehost, ports, address } = layout
  const url = `https://${address}:${ports.api}`
  const adminToken = randomBytes(16).toString('hex')
  await makeCredentials(authority, layout, url, adminToken, signal)

  await using stack = new AsyncDisposableStack()
  const running = new Map<PartName, Part>()
  const stop = async (name: PartName) => {
    await running.get(name)?.stop()
    running.delete(name)
  }
  const start = async (name: PartName) => {
    if (running.has(name)) return
    running.set(name, await startPart(partWanted(name, layout), signal))
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
    etcdUrl: `http://127.0.0.1:${ports.etcd}`,
    caFile: authority.caFile,
    adminToken,
    kubeconfig,
    authority,
    stop,
    start,
    kubectl: (args, { input, deadlineMs = 60_000 } = {}) =>
      runProgram(
        [kubehost, 'kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/kubectl-cache`, ...args],
        {
          signal,
          deadlineMs,
          ...(input === undefined ? {} : { input }),
        },
      ),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function layOut(options: ControlPlaneOptions, pki: string): Promise<Layout> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 })
  return {
    kubehost: options.kubehost,
    dir: options.dir,
    pki,
    bind: options.inLab ? '0.0.0.0' : '127.0.0.1',
    address: options.inLab ? hostAddress('mgmt') : '127.0.0.1',
    ports: options.inLab ? LAB_PORTS : await freePorts(options.port ?? 0),
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

function partWanted(name: PartName, layout: Layout): PartWanted {
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
    ready: () => probe(check),
    readyMs: READY_MS,
  }
}
