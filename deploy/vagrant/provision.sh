#!/usr/bin/env bash
# Makes a node out of a plain Debian: modules, a volume group, a DRBD 8.4 resource, and the agent.
#
#   provision.sh STEP...        steps, in this order: packages modules storage resource agent
#
# The Vagrant machines run all five; a guest of the lab, whose packages and modules are there already, may
# run storage and resource. Every step may be repeated. What is asked for stands in the environment:
#
#   HAWSER_NODE    name of this node                          (the host's name)
#   HAWSER_NODES   NAME=BEAT-ADDRESS,REPLICATION-ADDRESS of every node, separated by spaces
#   HAWSER_DISK    empty disk for the volume group            (/dev/vdb, else /dev/sdb)
#   HAWSER_SIZE    size of the replicated volume              (256M)
#   HAWSER_HOME    this repository, with its node_modules     (the folder above deploy/)
#   HAWSER_KEY     cluster key, the same on every node, at least 32 characters
set -euo pipefail

home=${HAWSER_HOME:-$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)}
node=${HAWSER_NODE:-$(hostname)}
disk=${HAWSER_DISK:-$([[ -b /dev/vdb ]] && echo /dev/vdb || echo /dev/sdb)}
size=${HAWSER_SIZE:-256M}
read -ra nodes <<<"${HAWSER_NODES:-}"
group=vg0
volume=r0
fresh=hawser-fresh # LVM tag of a volume that has no meta data yet
state=/var/lib/hawser
service=/etc/systemd/system/hawser-agent.service

stop() { printf 'provision: %s\n' "$*" >&2; exit 1; }

packages() {
  # gcc and libc6-dev build the fence-peer handler; the rest is what a node with DRBD and LVM needs.
  export DEBIAN_FRONTEND=noninteractive
  timeout 300 apt-get -q update
  timeout 900 apt-get -q -y --no-install-recommends install \
    drbd-utils lvm2 thin-provisioning-tools xfsprogs e2fsprogs gcc libc6-dev
}

modules() {
  modprobe -a drbd dm-mod dm-thin-pool softdog || stop 'a module is missing; Debian has them in its generic kernel, not in the cloud one'
  printf '%s\n' drbd dm-thin-pool softdog >/etc/modules-load.d/hawser.conf
}

storage() {
  [[ -b $disk ]] || stop "there is no disk $disk"
  if ! vgs "$group" >/dev/null 2>&1; then
    ! blkid -p "$disk" >/dev/null 2>&1 || stop "$disk is not empty: $(blkid -p "$disk")"
    pvcreate -q -y "$disk" && vgcreate -q "$group" "$disk"
  fi
  vgchange -q -ay "$group"
  lvs "$group/$volume" >/dev/null 2>&1 || lvcreate -q -y -Wn -L "$size" -n "$volume" --addtag "$fresh" "$group"
}

# DRBD 8.4 knows two nodes a resource: the first two carry r0, every other one only votes.
resource() {
  ((${#nodes[@]} >= 2)) || stop 'HAWSER_NODES must name at least two nodes'
  mkdir -p /etc/drbd.d "$state"
  {
    printf 'resource %s {\n  protocol C;\n' "$volume"
    printf '  handlers { fence-peer "%s/bin/fence-peer"; }\n' "$state"
    printf '  disk { fencing resource-and-stonith; on-io-error detach; }\n'
    printf '  net { ping-int 2; ping-timeout 10; timeout 15; connect-int 3; }\n'
    printf '  volume 0 { device minor 0; disk /dev/%s/%s; meta-disk internal; }\n' "$group" "$volume"
    local entry
    for entry in "${nodes[@]:0:2}"; do printf '  on %s { address %s:7789; }\n' "${entry%%=*}" "${entry##*,}"; done
    printf '}\n'
  } >"/etc/drbd.d/$volume.res"
  carries_resource || return 0
  ! drbdadm role "$volume" >/dev/null 2>&1 || return 0 # up already, and left as it is
  # Never over a volume that this script did not make a moment ago: after a crash DRBD's own tools may say
  # that they see no usable meta data, and the data is all there.
  if [[ $(lvs --noheadings -o lv_tags "$group/$volume") == *"$fresh"* ]]; then
    drbdadm -- --force create-md "$volume"
    lvchange -q --deltag "$fresh" "$group/$volume"
  fi
  drbdadm up "$volume"
}

carries_resource() {
  local entry
  for entry in "${nodes[@]:0:2}"; do [[ ${entry%%=*} != "$node" ]] || return 0; done
  return 1
}

agent() {
  local key=${HAWSER_KEY:-}
  ((${#key} >= 32)) || stop 'HAWSER_KEY must have at least 32 characters'
  [[ -x $home/node_modules/node/bin/node ]] || stop "there is no Node 24 in $home: run \`npm run check\` there first, on the host"
  mkdir -p /etc/hawser "$state"
  (umask 077 && printf '%s' "$key" >/etc/hawser/key)
  members >/etc/hawser/members.json
  gcc -O2 -Wall -static -o /usr/local/lib/hawser-fence-peer "$home/native/programs/fence-peer.c"
  [[ -d /run/systemd/system ]] || { agent_command; return; }
  unit >"$service"
  systemctl daemon-reload
  systemctl enable --now hawser-agent.service
  systemctl restart hawser-agent.service
}

members() {
  local entry comma=
  printf '{"members":['
  for entry in "${nodes[@]}"; do
    local addresses=${entry#*=}
    printf '%s{"node":"%s","addresses":["%s"]}' "$comma" "${entry%%=*}" "${addresses%%,*}"
    comma=,
  done
  printf ']}\n'
}

# Without an API server: the agent proves and fences, and deletes nothing.
agent_command() {
  printf '%q ' "$home/node_modules/node/bin/node" "$home/agent/main.ts" --node "$node" --api none \
    --members /etc/hawser/members.json --key-file /etc/hawser/key --state-dir "$state" \
    --helper /usr/local/lib/hawser-fence-peer --watchdog /dev/watchdog
  printf '\n'
}

unit() {
  cat <<UNIT
[Unit]
Description=Hawser agent
After=network-online.target drbd.service
Wants=network-online.target

[Service]
ExecStart=$(agent_command)
RuntimeDirectory=hawser
Restart=always
RestartSec=500ms

[Install]
WantedBy=multi-user.target
UNIT
}

(($# > 0)) || stop 'give the steps: packages modules storage resource agent'
for step; do
  case $step in
    packages | modules | storage | resource | agent) "$step" ;;
    *) stop "unknown step: $step" ;;
  esac
done
