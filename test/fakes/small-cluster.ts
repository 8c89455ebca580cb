/** For tests of the stand-ins: API server, controllers and kubelets in this process, on volumes that are only pretended. */
import type { NodeHost } from '../csi/host.ts'
import { type FakeApiServer, openApiServer } from './api-server.ts'
import { type ClientAnswer, type ControlClient, openControlClient } from './control/client.ts'
import { type ControllersOptions, openControllers } from './controllers.ts'
import type { StartContainer } from './kubelet/container.ts'
import { runKubelet } from './kubelet/kubelet.ts'
import { NodeReport } from './kubelet/node-report.ts'
import { Turns } from './kubelet/turns.ts'

/** A node that pretends: only one node can be primary at a time, as with DRBD. */
class PretendedNode {
  readonly mounts = new Map<string, string>()
  readonly containers = new Set<string>()
  readonly #name: string
  readonly #primaries: Map<string, string>

  constructor(name: string, primaries: Map<string, string>) {
    this.#name = name
    this.#primaries = primaries
  }

  readonly host: NodeHost = {
    run: async argv => ({ status: this.#run(argv) ? 0 : 1, stdout: '', stderr: '' }),
    readMounts: async () => this.mounts,
  }

  readonly start: StartContainer = pod => {
    const { promise, resolve } = Promise.withResolvers<{ exitCode: number; signal: undefined }>()
    this.containers.add(pod.metadata.name)
    const stop = async (): Promise<{ exitCode: number; signal: undefined }> => {
      this.containers.delete(pod.metadata.name)
      resolve({ exitCode: 0, signal: undefined })
      return promise
    }
    return { startedAt: new Date(), ended: promise, stop }
  }

  #run(argv: readonly string[]): boolean {
    const [program, first = ''] = argv
    const last = argv.at(-1) ?? ''
    if (program === 'mount') this.mounts.set(last, argv.at(-2) ?? '')
    if (program === 'umount') this.mounts.delete(last)
    if (program !== 'drbdadm') return true
    const holder = this.#primaries.get(last)
    if (first === 'primary' && holder !== undefined && holder !== this.#name) return false
    if (first === 'primary') this.#primaries.set(last, this.#name)
    if (first === 'secondary' && holder === this.#name) this.#primaries.delete(last)
    return true
  }
}

export interface SmallCluster extends AsyncDisposable {
  readonly api: FakeApiServer
  readonly admin: ControlClient
  readonly nodes: ReadonlyMap<string, PretendedNode>
  /** Resource → the node that has promoted it. */
  readonly primaries: Map<string, string>
  get(path: string): Promise<ClientAnswer['body'] | undefined>
  create(path: string, body: unknown): Promise<void>
  startKubelet(name: string): void
  /** The node loses its power: nothing is said, nothing is taken back. */
  cutPower(name: string): void
}

export async function openSmallCluster(
  names: readonly string[],
  options: Partial<ControllersOptions>,
  signal: AbortSignal,
): Promise<SmallCluster> {
  const api = await openApiServer({}, signal)
  const controllers = openControllers({ url: api.url, ...options }, signal)
  const admin = openControlClient(api.url, 'admin')
  const primaries = new Map<string, string>()
  const nodes = new Map(names.map(name => [name, new PretendedNode(name, primaries)]))
  const power = new Map<string, AbortController>()
  const running: Promise<void>[] = []

  const startKubelet = (name: string): void => {
    const node = nodes.get(name) ?? new PretendedNode(name, primaries)
    const client = openControlClient(api.url, `system:node:${name}`)
    const facts = {
      name,
      address: '127.0.0.1',
      bootId: crypto.randomUUID(),
      machineId: name,
      kernelVersion: '6',
      labels: {},
      capacity: {},
      driver: 'linstor.csi.linbit.com',
    }
    const stop = new AbortController()
    power.set(name, stop)
    const parts = {
      client,
      report: new NodeReport(client, facts),
      host: node.host,
      start: node.start,
      imageMounts: [],
      turns: new Turns(),
      address: '127.0.0.1',
      rootDir: '/none',
      note: () => {},
    }
    running.push(runKubelet(name, parts, { statusMs: 100, leaseMs: 100, leaseDurationS: 40 }, stop.signal))
  }
  for (const name of names) startKubelet(name)
  return {
    api,
    admin,
    nodes,
    primaries,
    startKubelet,
    async get(path) {
      const { status, body } = await admin.call({ method: 'GET', path })
      return status === 200 ? body : undefined
    },
    async create(path, body) {
      const { status, body: said } = await admin.call({ method: 'POST', path, body })
      if (status !== 201) throw new Error(`${path}: ${status} ${said.message}`)
    },
    cutPower(name) {
      power.get(name)?.abort()
      // What the kubelet would still say on its way out must not arrive.
      api.control.fault({ user: `system:node:${name}` }, { kind: 'hang' })
      for (const [resource, holder] of primaries) if (holder === name) primaries.delete(resource)
    },
    async [Symbol.asyncDispose]() {
      for (const stop of power.values()) stop.abort()
      await controllers[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
      await Promise.all(running)
    },
  }
}

/** The first answer that is not undefined. */
export async function soon<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 25_000,
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain`)
    await new Promise(done => setTimeout(done, 20))
  }
}
