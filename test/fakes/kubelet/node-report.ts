/** The node's side of its Node object: registration, status, volumes in use, lease. */
import { at, isObject, type JsonObject, type KubeObject, listAt, sameJson, timestamp } from '../api/json.ts'
import type { ControlClient } from '../control/client.ts'

export interface NodeFacts {
  readonly name: string
  readonly address: string
  readonly bootId: string
  readonly machineId: string
  readonly kernelVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: JsonObject
  /** The CSI driver that serves here. */
  readonly driver: string
}

const MANAGED_ATTACH = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'

function condition(type: string, status: string, reason: string): JsonObject {
  return { type, status, reason, message: reason, lastHeartbeatTime: timestamp() }
}

function statusOf(facts: NodeFacts): JsonObject {
  const { name, address, bootId, machineId, kernelVersion, capacity } = facts
  return {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    capacity,
    allocatable: capacity,
    nodeInfo: {
      machineID: machineId,
      systemUUID: machineId,
      bootID: bootId,
      kernelVersion,
      osImage: 'Hawser lab',
      containerRuntimeVersion: 'none://0',
      kubeletVersion: 'v1.34.4-hawser-embedded',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}

export class NodeReport {
  /** Volumes that pods here use or are about to use: told with the next status. */
  readonly wantedInUse = new Set<string>()
  readonly #client: ControlClient
  readonly #facts: NodeFacts
  #inUse: ReadonlySet<string> = new Set()
  #attached: ReadonlySet<string> = new Set()
  #wasReady = false

  constructor(client: ControlClient, facts: NodeFacts) {
    this.#client = client
    this.#facts = facts
  }

  /** The API server was told that the volume is in use, and has since said that it is attached. */
  mayMount(unique: string): boolean {
    return this.#inUse.has(unique) && this.#attached.has(unique)
  }

  isInUse(unique: string): boolean {
    return this.#inUse.has(unique)
  }

  /** Makes the Node and the CSINode, unless they are there. */
  async register(): Promise<void> {
    const { name, labels, driver } = this.#facts
    const metadata = {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels },
      annotations: MANAGED_ATTACH,
    }
    const made = await this.#client.call({
      method: 'POST',
      path: '/api/v1/nodes',
      body: { metadata, status: statusOf(this.#facts) },
    })
    if (made.status !== 201 && made.status !== 409) throw new Error(`registration answered ${made.status}`)
    const drivers = [{ name: driver, nodeID: name, topologyKeys: [] }]
    await this.#client.call({
      method: 'POST',
      path: '/apis/storage.k8s.io/v1/csinodes',
      body: { metadata: { name }, spec: { drivers } },
    })
  }

  /** One status write, if anything changed; what is mounted next depends on what it brings back. */
  async writeStatus(): Promise<void> {
    const path = `/api/v1/nodes/${this.#facts.name}`
    const { status, body } = await this.#client.call({ method: 'GET', path })
    if (status === 404) return await this.register()
    if (status !== 200) return
    const told = [...this.wantedInUse].sort()
    if (!this.#isCurrent(body, told)) await this.#patch(path, told)
    this.#inUse = new Set(told)
    this.#attached = new Set(listAt(body, 'status', 'volumesAttached').map(each => String(at(each, 'name'))))
    this.#wasReady = true
  }

  async renewLease(leaseS: number): Promise<void> {
    const { name } = this.#facts
    const path = `${LEASES}/${name}`
    const renewTime = new Date().toISOString().replace('Z', '000Z')
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseS, renewTime }
    const { status } = await this.#client.call({
      method: 'PATCH',
      path,
      body: { spec },
      patch: 'merge-patch',
    })
    if (status === 404)
      await this.#client.call({ method: 'POST', path: LEASES, body: { metadata: { name }, spec } })
  }

  #isCurrent(node: KubeObject, told: readonly string[]): boolean {
    const seen = listAt(node, 'status', 'volumesInUse').map(String).sort()
    const ready = listAt(node, 'status', 'conditions').find(each => at(each, 'type') === 'Ready')
    const info = at(node, 'status', 'nodeInfo')
    return (
      this.#wasReady &&
      sameJson(seen, told) &&
      at(ready, 'status') === 'True' &&
      isObject(info) &&
      info['bootID'] === this.#facts.bootId
    )
  }

  async #patch(path: string, volumesInUse: readonly string[]): Promise<void> {
    const since = { lastTransitionTime: timestamp() }
    const conditions = [
      { ...condition('Ready', 'True', 'KubeletReady'), ...since },
      ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map(type => ({
        ...condition(type, 'False', 'KubeletHasEnough'),
        ...since,
      })),
    ]
    const status = {
      ...statusOf(this.#facts),
      conditions,
      volumesInUse: volumesInUse.length > 0 ? volumesInUse : null,
    }
    const answer = await this.#client.call({
      method: 'PATCH',
      path: `${path}/status`,
      body: { status },
      patch: 'strategic-merge-patch',
    })
    if (answer.status !== 200) throw new Error(`the node status was answered by ${answer.status}`)
  }
}
