#!/bin/bash
# Hook of the lab: PID 1 runs it at every boot of a guest, so that a node comes back by itself after a power cut or a reset.
# Variables come from the settings of the lab: cluster_dir (this machine's files), cluster_disk, cluster_also.
[ -z "${cluster_also:-}" ] || "$cluster_also"
setsid "$cluster_dir/guest/node.sh" start >/run/node.out 2>&1 </dev/null &
