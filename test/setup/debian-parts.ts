/** Which Debian packages which part of the lab, the cluster and the tests needs, and what for. */

export interface Package {
  readonly name: string
  readonly why: string
}

export const PART_NAMES = ['gates', 'lab', 'control-plane', 'cluster'] as const
export type PartName = (typeof PART_NAMES)[number]

const OPENSSL: Package = { name: 'openssl', why: 'makes the throw-away certificates of a test cluster' }

export const PARTS: Readonly<Record<PartName, readonly Package[]>> = {
  gates: [{ name: 'ruby', why: 'evaluates the Vagrantfile: its syntax, and what it would ask for' }],
  lab: [
    {
      name: 'user-mode-linux',
      why: 'the guests: a Linux kernel as a process, with DRBD 8.4 and device-mapper',
    },
    { name: 'uml-utilities', why: 'uml_mconsole, to plug disks and press magic keys in a guest' },
    { name: 'drbd-utils', why: 'drbdsetup and drbdadm' },
    { name: 'lvm2', why: 'volume groups below DRBD' },
    { name: 'thin-provisioning-tools', why: 'thin pools: thin_check' },
    { name: 'iproute2', why: 'networks of the lab: bridges, taps, netem' },
    { name: 'iputils-ping', why: 'tells a cut network from a slow one' },
    { name: 'kmod', why: 'modules in the guests (small images lack it; without it no guest boots)' },
    { name: 'procps', why: 'ps, which finds the processes of a guest' },
    { name: 'xfsprogs', why: 'XFS on replicated volumes' },
    { name: 'e2fsprogs', why: 'ext4 on replicated volumes' },
    { name: 'gcc', why: 'builds the fence-peer handler, a small C program' },
    { name: 'libc6-dev', why: 'headers for that build' },
  ],
  'control-plane': [OPENSSL],
  cluster: [
    { name: 'containerd', why: "runs the pods in the guests (its service on this machine isn't used)" },
    { name: 'runc', why: 'starts containers for containerd' },
    { name: 'containernetworking-plugins', why: 'the pods of a guest get addresses' },
    { name: 'busybox-static', why: 'the smallest image to test with' },
    { name: 'iptables', why: 'port mapping of the pods' },
    { name: 'ethtool', why: 'the kubelet asks for it' },
    { name: 'conntrack', why: 'the kubelet asks for it' },
    OPENSSL,
  ],
}

/** The packages of several parts, each once. */
export function packagesOf(parts: readonly PartName[]): readonly Package[] {
  const byName = new Map(parts.flatMap(part => PARTS[part]).map(entry => [entry.name, entry]))
  return [...byName.values()]
}
