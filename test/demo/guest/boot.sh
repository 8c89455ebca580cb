#!/bin/bash
# Started by PID 1 of a guest at every boot (hook of the lab): what systemd and LINSTOR would do on a real node.
# /hawser: run-agent.sh, agent.mjs, kubelet.mjs, probe.mjs, fence-peer, members.json, key, token.NODE, settings, and r0.res once the volume exists.
set -u
. /hawser/settings # api_url probe_host probe_port with_agent steps_file
node=$lab_node
mkdir -p /etc/hawser /run/hawser
install -m 600 /hawser/key /etc/hawser/key
modprobe softdog soft_margin=5 nowayout=0 # /dev/watchdog1: /dev/watchdog is UML's own

setsid node /hawser/probe.mjs "$node" "$probe_host" "$probe_port" /run/hawser/agent.sock "$steps_file" </dev/null >/run/probe.log 2>&1 &

# The volume, if this node has a copy of it.
if [ -e "/hawser/r0.$node" ]; then
  cp /hawser/r0.res /etc/drbd.d/r0.res
  {
    vgchange -q -ay vg0
    size=$(blockdev --getsz /dev/vg0/r0-back)
    dmsetup create fault-r0 --table "0 $size linear /dev/vg0/r0-back 0"
    drbdadm up r0
  } >/run/hawser/volume.log 2>&1
fi
# The agent reads DRBD's state at its start, the kubelet may want a pod's volume at once: both after the volume is up.
if [ -n "$with_agent" ]; then
  # As in its container. Also to the console, whose log this machine keeps when the guest is gone.
  HAWSER_NODE=$(command -v node) setsid sh /hawser/run-agent.sh --node "$node" \
    --members /hawser/members.json --key-file /etc/hawser/key \
    --api "$api_url" --api-token-file "/hawser/token.$node" --watchdog /dev/watchdog1 \
    --socket /run/hawser/agent.sock --state-dir /var/lib/hawser </dev/null 2>&1 | tee /run/hawser/agent.log >/dev/console &
  setsid node /hawser/kubelet.mjs --node "$node" --address "10.99.0.1${node#n}" --api "$api_url" \
    --steps "$steps_file" --image /hawser=/hawser </dev/null >/run/hawser/kubelet.log 2>&1 &
fi
exit 0
