#!/bin/bash
# DRBD handler of the lab: notes when it ran, how it was called, and what it was told.
# /run/fence-answer (a number and optionally a delay in seconds) sets what fence-peer answers:
# 3 peer inconsistent, 4 peer outdated, 5 peer down, 6 peer is primary (outdates this side),
# 7 peer was stonithed, anything else: broken, I/O stays suspended. Without the file: 5.
note() { echo "$(cut -d' ' -f1 /proc/uptime) $(hostname) $*" >>/run/handlers.log; }
note "$1 $(env | grep -E '^(DRBD|UP_TO)' | sort | tr '\n' ' ')"
[ "$1" = fence-peer ] || exit 0
read -r code delay </run/fence-answer 2>/dev/null || { code=5; delay=0; }
sleep "${delay:-0}"
note "$1 answers $code"
exit "$code"
