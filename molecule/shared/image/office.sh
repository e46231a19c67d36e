#!/bin/sh
# A machine with a Docker engine of its own, inside a container that has some capabilities and is not privileged.
set -eu

# Docker gives these read-only to an unprivileged container; the engine below writes to them.
for mounted in /proc/sys /sys /sys/fs/cgroup /sys/fs/cgroup/*; do
    if [ -d "$mounted" ]; then mount -o remount,bind,rw "$mounted"; fi
done
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    # cgroup 2: controllers can be handed on only by a group that has no process itself.
    mkdir -p /sys/fs/cgroup/init
    xargs -n 1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
    sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control || true
fi

# Containers of this engine ask the office's name server, as in a real office; Docker's own resolver is not reachable for them.
gateway=192.168.239.1
dnsmasq --user=root --no-hosts --bind-dynamic --listen-address="$gateway" --except-interface=lo --cache-size=0 --pid-file
# shellcheck disable=SC2086 # the options are words
exec dockerd --host unix:///var/run/docker.sock --bip "$gateway/24" --dns "$gateway" --shutdown-timeout 5 --log-level warn \
    ${ENGINE_OPTIONS:-}
