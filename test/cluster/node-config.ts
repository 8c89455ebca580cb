/** The files that make a guest a Kubernetes node: certificate, kubeconfig, kubelet, containerd and pod network configuration. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostAddress, type LabNode, nodeAddress, nodeIndex } from '../lab/layout.ts'
import { type Authority, kubeconfigText } from './certificates.ts'
import { LAB_PORTS } from './layout.ts'

export const PAUSE_IMAGE = 'test.local/pause:1'
/** Where the guest finds the files. */
const INSIDE = '/etc/kubernetes'

export interface NodeConfigWanted {
  readonly node: LabNode
  readonly serverUrl: string
  readonly dir: string
}

/** As the nodes and their pods reach the API server. */
export function apiUrlInLab(): string {
  return `https://${hostAddress('mgmt')}:${LAB_PORTS.api}`
}

/** Fills `dir` for a node. */
export async function writeNodeConfig(
  authority: Authority,
  { node, serverUrl, dir }: NodeConfigWanted,
): Promise<void> {
  const made = await authority.issue({
    name: node,
    commonName: `system:node:${node}`,
    organization: 'system:nodes',
    altNames: [`IP:${nodeAddress(node, 'mgmt')}`, `DNS:${node}`],
  })
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const put = (file: string, text: string) => writeFile(join(dir, file), text)
  await Promise.all([
    copyFile(authority.caFile, join(dir, 'ca.crt')),
    copyFile(made.crt, join(dir, 'node.crt')),
    copyFile(made.key, join(dir, 'node.key')),
    kubeconfigText(serverUrl, authority.caFile, made).then(text => put('kubeconfig', text)),
    put('kubelet.json', JSON.stringify(KUBELET, undefined, 1)),
    put('containerd.toml', CONTAINERD),
    put('10-pods.conflist', JSON.stringify(podNetwork(nodeIndex(node)))),
  ])
}

const KUBELET = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${INSIDE}/ca.crt` },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: `${INSIDE}/node.crt`,
  tlsPrivateKeyFile: `${INSIDE}/node.key`,
  cgroupDriver: 'cgroupfs',
  failSwapOn: false,
  enforceNodeAllocatable: ['pods'],
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  resolvConf: '',
  // the kubelet mounts an attached volume only after its next own status write: this is what Hawser recommends
  nodeStatusUpdateFrequency: '1s',
  syncFrequency: '30s',
  volumeStatsAggPeriod: '60s',
  maxPods: 30,
  readOnlyPort: 0,
  evictionHard: {
    'memory.available': '0%',
    'nodefs.available': '0%',
    'nodefs.inodesFree': '0%',
    'imagefs.available': '0%',
  },
  imageGCHighThresholdPercent: 100,
  // a pod that ends again and again is started again soon: scenarios kill agents on purpose
  featureGates: { KubeletCrashLoopBackOffMax: true },
  crashLoopBackOff: { maxContainerRestartPeriod: '2s' },
  logging: { flushFrequency: '1s' },
}

const UNUSED_PLUGINS = [
  ...['btrfs', 'zfs', 'aufs', 'devmapper'].map(name => `io.containerd.snapshotter.v1.${name}`),
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.internal.v1.tracing',
]

/** Version 2 is understood by the containerd of Debian 12 (1.6) and of Debian 13 (1.7). */
export const CONTAINERD = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ${JSON.stringify(UNUSED_PLUGINS)}
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
`

function podNetwork(number: number): object {
  const ipam = {
    type: 'host-local',
    ranges: [[{ subnet: `10.244.${number}.0/24` }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam }
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  }
}
