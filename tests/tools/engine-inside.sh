#!/usr/bin/env bash
# The inside of engine.sh's private engine: called in a new mount and network namespace, adds a process namespace.
# Owns: what dockerd finds around it. Rule: all that it makes must vanish with the namespaces; only data-root and socket stay.
set -euo pipefail

if [ "$1" != --as-first-process ]; then
    # The same process id stays the holder of the two namespaces: engine.sh enters through it.
    exec unshare --pid --fork --kill-child --mount-proc -- "$0" --as-first-process "$@"
fi
socket=$2 data=$3 cgroup=$4

mount -t tmpfs -o mode=755 run /run # dockerd's, containerd's and the shims' sockets and locks
mkdir -p /run/lock                  # iptables-legacy's lock
ip link set lo up

# The shell stays process 1 and not dockerd: somebody must reap the shims of ended containers.
dockerd --host "unix://$socket" --data-root "$data" --exec-root /run/docker --pidfile /run/docker.pid \
    --bridge none --default-address-pool base=10.213.0.0/16,size=24 \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup" --shutdown-timeout 5 \
    --log-level warn &
dockerd=$!
trap 'kill -TERM $dockerd' TERM INT
while kill -0 $dockerd 2>/dev/null; do wait $dockerd || true; done
