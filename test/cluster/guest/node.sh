#!/bin/bash
# Runs in a guest. One purpose: containerd and the kubelet on this kernel.
#   node.sh start       a Kubernetes node
#   node.sh import      only puts base.tar on the container disk and leaves it clean: the making of a template
# Variables: lab_node, cluster_dir (guest/ state/ bin/), cluster_disk (a block device for containers).
set -eu
state=$cluster_dir/state
note() { echo "$(date +%s%3N) $*" >>/run/node.steps; }

kernel_surroundings() {
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
  mount --make-rshared /
  # cAdvisor refuses a /proc/cpuinfo without a clock speed, and User-Mode Linux prints none
  if ! mountpoint -q /proc/cpuinfo; then
    { sed '/^$/d' /proc/cpuinfo; printf 'cpu MHz\t\t: 2000.000\nphysical id\t: 0\ncore id\t\t: 0\ncpu cores\t: 1\n\n'; } >/run/cpuinfo
    mount --bind /run/cpuinfo /proc/cpuinfo
  fi
  modprobe -a bridge veth br_netfilter nf_tables nft_compat nf_conntrack 2>/dev/null || true
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

container_disk() {
  # an overlay cannot have its upper layer on the guest's root, which is one itself
  blkid "$cluster_disk" >/dev/null 2>&1 || mkfs.ext4 -q -F -E lazy_itable_init=1 "$cluster_disk"
  mkdir -p /data; mount "$cluster_disk" /data
  mkdir -p /data/containerd /data/kubelet /data/pods /data/cni \
    /var/lib/containerd /var/lib/kubelet /var/log/pods /var/lib/cni /etc/cni/net.d /etc/kubernetes
  mount --bind /data/containerd /var/lib/containerd
  mount --bind /data/kubelet /var/lib/kubelet; mount --make-shared /var/lib/kubelet
  mount --bind /data/pods /var/log/pods
  mount --bind /data/cni /var/lib/cni
}

start_containerd() {
  setsid containerd --config "$1" >/run/containerd.log 2>&1 </dev/null &
  echo $! >/run/containerd.pid
  local tries
  for tries in $(seq 300); do
    [ ! -S /run/containerd/containerd.sock ] || ! ctr -n k8s.io version >/dev/null 2>&1 || return 0
    kill -0 "$(cat /run/containerd.pid)" 2>/dev/null || break
    sleep 0.1
  done
  echo "containerd does not serve" >&2; tail -5 /run/containerd.log >&2; exit 1
}

import_images() {
  ctr -n k8s.io images import --snapshotter overlayfs "$1" >>/run/import.log
}

# A kubelet that finds no API server waits up to 7 s before it asks again; and it must start without one in the end.
wait_for_api() {
  local tries
  for tries in $(seq 100); do
    ! (exec 3<>/dev/tcp/10.96.0.1/443) 2>/dev/null || return 0
    sleep 0.2
  done
}

note begin
kernel_surroundings; container_disk; note disk
case $1 in
  import)
    start_containerd "$state/containerd.toml"; note containerd
    import_images "$state/base.tar"; note images
    kill "$(cat /run/containerd.pid)"
    while kill -0 "$(cat /run/containerd.pid)" 2>/dev/null; do sleep 0.1; done
    umount -l /var/lib/containerd /var/lib/kubelet /var/log/pods /var/lib/cni
    umount /data ;;
  start)
    number=${lab_node#n}
    cp "$state/nodes/$lab_node"/* /etc/kubernetes/; cp "$state/nodes/$lab_node/10-pods.conflist" /etc/cni/net.d/
    # pod networks of the other nodes, and the API server's service address: there is no kube-proxy
    for k in 1 2 3 4 5 6 7 8 9; do [ "$k" = "$number" ] || echo "route replace 10.244.$k.0/24 via 10.99.0.1$k"; done | ip -batch -
    ip route replace 10.96.0.1/32 via 10.99.0.1
    start_containerd /etc/kubernetes/containerd.toml; note containerd
    import_images "$state/apps.tar"; note images
    wait_for_api; note api
    setsid "$cluster_dir/bin/kubehost" kubelet --config /etc/kubernetes/kubelet.json --kubeconfig /etc/kubernetes/kubeconfig \
      --hostname-override "$lab_node" --node-ip "10.99.0.1$number" --root-dir /var/lib/kubelet --cert-dir /var/lib/kubelet/pki \
      >/run/kubelet.log 2>&1 </dev/null &
    echo $! >/run/kubelet.pid
    note kubelet ;;
  *) echo "usage: node.sh start|import" >&2; exit 2 ;;
esac
