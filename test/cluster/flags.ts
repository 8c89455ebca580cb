/** Command lines of the control plane's programs. */
import type { Layout } from './layout.ts'

export function etcdArgv({ kubehost, dir, ports }: Layout): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  return [
    kubehost,
    'etcd',
    `--data-dir=${dir}/etcd`,
    // a test cluster does not survive a power cut of this machine, and need not
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ]
}

export function apiserverArgv({ kubehost, pki, ports, bind, address, extra }: Layout): string[] {
  return [
    kubehost,
    'kube-apiserver',
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.api}`,
    `--bind-address=${bind}`,
    `--advertise-address=${address}`,
    // an Endpoints object cannot hold a loopback address
    ...(address.startsWith('127.') ? ['--endpoint-reconciler-type=none'] : []),
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--client-ca-file=${pki}/ca.crt`,
    `--kubelet-client-certificate=${pki}/kubelet-client.crt`,
    `--kubelet-client-key=${pki}/kubelet-client.key`,
    `--kubelet-certificate-authority=${pki}/ca.crt`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--token-auth-file=${pki}/tokens.csv`,
    '--allow-privileged=true',
    '--profiling=false',
    ...extra.apiserver,
  ]
}

export function controllersArgv({ kubehost, pki, ports, nodeGraceSeconds, extra }: Layout): string[] {
  return [
    kubehost,
    'kube-controller-manager',
    ...clientFlags(`${pki}/kcm.kubeconfig`),
    `--secure-port=${ports.controllers}`,
    `--service-account-private-key-file=${pki}/sa.key`,
    `--root-ca-file=${pki}/ca.crt`,
    '--use-service-account-credentials=true',
    `--cluster-signing-cert-file=${pki}/ca.crt`,
    `--cluster-signing-key-file=${pki}/ca.key`,
    ...(nodeGraceSeconds === undefined
      ? []
      : ['--node-monitor-period=2s', `--node-monitor-grace-period=${nodeGraceSeconds}s`]),
    ...extra.controllers,
  ]
}

export function schedulerArgv({ kubehost, pki, ports, extra }: Layout): string[] {
  return [
    kubehost,
    'kube-scheduler',
    ...clientFlags(`${pki}/scheduler.kubeconfig`),
    `--secure-port=${ports.scheduler}`,
    ...extra.scheduler,
  ]
}

function clientFlags(kubeconfig: string): string[] {
  return [
    ...['', 'authentication-', 'authorization-'].map(use => `--${use}kubeconfig=${kubeconfig}`),
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
  ]
}
