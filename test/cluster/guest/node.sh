#!/bin/bash
# Runs in a guest: makes it a Kubernetes node. One purpose: containerd and the kubelet on this kernel.
#   node.sh import ARCHIVE...                 only puts the images on the container disk (for the template)
#   node.sh prepare NUMBER ARCHIVE...         everything but the kubelet: it registers at once when the API server is there
#   node.sh kubelet NUMBER KUBEHOST           the kubelet
# CONFIG (a folder made by node-config.ts) and DISK (a block device for containers) come in the environment.
set -eu
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
  sysctl -qw net.ipv4.ip_forward=1
}

container_disk() {
  # an overlay cannot have its upper layer on the guest's root, which is one itself
  blkid "$DISK" >/dev/null 2>&1 || mkfs.ext4 -q -F -E lazy_itable_init=1 "$DISK"
  mkdir -p /data; mount "$DISK" /data
  local dir
  for dir in containerd kubelet pods cni; do mkdir -p "/data/$dir"; done
  mkdir -p /var/lib/containerd /var/lib/kubelet /var/log/pods /var/lib/cni /etc/cni/net.d /etc/kubernetes
  mount --bind /data/containerd /var/lib/containerd
  mount --bind /data/kubelet /var/lib/kubelet; mount --make-shared /var/lib/kubelet
  mount --bind /data/pods /var/log/pods
  mount --bind /data/cni /var/lib/cni
}

start_containerd() {
  setsid containerd --config "$CONFIG/containerd.toml" >/run/containerd.log 2>&1 </dev/null &
  echo $! >/run/containerd.pid
  local tries
  for tries in $(seq 300); do
    ! ctr -n k8s.io version >/dev/null 2>&1 || return 0
    kill -0 "$(cat /run/containerd.pid)" 2>/dev/null || break
    sleep 0.1
  done
  echo "containerd does not serve" >&2; tail -5 /run/containerd.log >&2; exit 1
}

import_images() {
  local archive
  for archive; do ctr -n k8s.io images import --snapshotter overlayfs "$archive" >>/run/import.log; done
}

note begin
case $1 in
  import)
    shift
    kernel_surroundings; container_disk; note disk
    start_containerd; note containerd
    import_images "$@"; note images
    kill "$(cat /run/containerd.pid)"
    while kill -0 "$(cat /run/containerd.pid)" 2>/dev/null; do sleep 0.1; done
    umount -l /var/lib/containerd /var/lib/kubelet /var/log/pods /var/lib/cni
    umount /data ;;
  prepare)
    number=$2; shift 2
    kernel_surroundings; container_disk; note disk
    printf '%032x\n' $((0x1ab00 + number)) >/etc/machine-id
    cp "$CONFIG"/* /etc/kubernetes/; cp "$CONFIG/10-pods.conflist" /etc/cni/net.d/
    # pod networks of the other nodes, and the API server's service address: there is no kube-proxy
    for k in 1 2 3 4 5 6 7 8 9; do [ "$k" = "$number" ] || ip route replace "10.244.$k.0/24" via "10.99.0.1$k"; done
    ip route replace 10.96.0.1/32 via 10.99.0.1
    start_containerd; note containerd
    import_images "$@"; note images ;;
  kubelet)
    number=$2 kubehost=$3
    setsid "$kubehost" kubelet --config /etc/kubernetes/kubelet.json --kubeconfig /etc/kubernetes/kubeconfig \
      --hostname-override "n$number" --node-ip "10.99.0.1$number" --root-dir /var/lib/kubelet --cert-dir /var/lib/kubelet/pki \
      >/run/kubelet.log 2>&1 </dev/null &
    echo $! >/run/kubelet.pid
    note kubelet ;;
  *) echo "usage: node.sh import|prepare|kubelet ..." >&2; exit 2 ;;
esac
