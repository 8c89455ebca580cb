#!/bin/sh
# First process of the agent's container: starts the agent again at once when it ends.
#
# The kubelet's own wait before a restart (10 s and more) is longer than the watchdog's time-out: a node whose agent was
# killed would be reset before the kubelet acts. SIGTERM is passed on and ends the loop; exit code 64 (wrong arguments) ends
# it too, because trying again cannot help.
dir=${0%/*}
node=${HAWSER_NODE:-/bin/node}
# A restarted agent has to hold its lease again within the watchdog's time: compiled code is kept, and it goes before others.
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-/var/lib/hawser/compiled}
export MALLOC_ARENA_MAX=1
export NODE_OPTIONS="--max-semi-space-size=1 ${NODE_OPTIONS:-}"
stop=
child=

on_term() {
  stop=1
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap on_term TERM INT

# Waits for a child that may outlive several signals; its exit code is in $code.
wait_for() {
  while :; do
    wait "$1"
    code=$?
    kill -0 "$1" 2>/dev/null || break
  done
}

while [ -z "$stop" ]; do
  read -r begun _ </proc/uptime
  nice -n -10 "$node" "$dir/agent.mjs" "$@" &
  child=$!
  # SIGTERM may have come before the child had a name.
  [ -z "$stop" ] || kill -TERM "$child" 2>/dev/null
  wait_for "$child"
  child=
  [ -z "$stop" ] || exit "$code"
  [ "$code" -ne 64 ] || exit 64
  read -r ended _ </proc/uptime
  echo "run-agent: the agent ended with code $code, starting it again" >&2
  # One that lived starts at once; one that cannot live gets a breath, still well within the watchdog's time.
  if [ $((${ended%.*} - ${begun%.*})) -lt 5 ]; then
    sleep 0.5 &
    child=$!
    wait_for "$child"
    child=
  fi
done
exit 0
