#!/usr/bin/env bash
# Is anything of a checkout's labs still there? molecule-leftovers.sh SUFFIX [engine] names all that is, and fails if there is something;
# with `engine` the private engine must be gone as well. Called by molecule.sh when everything has been taken down. Only looks.
set -euo pipefail
cd "$(dirname "$0")/../.."
suffix=${1:?usage: molecule-leftovers.sh SUFFIX [engine]}
label=label=checkout=dtr-caches-$suffix

of_labs() {
    if docker info >/dev/null 2>&1; then # an engine that stays; with another one all that it had is gone
        docker ps --all --filter "$label" --format 'container {{.Names}}'
        docker network ls --filter "$label" --format 'network {{.Name}}'
        docker volume ls --filter "$label" --format 'volume {{.Name}}'
    fi
    awk -v under="$PWD/build/molecule" 'index($5, under) == 1 {print "mount " $5}' /proc/self/mountinfo
    find build/molecule/lab -prune -printf 'file %p\n' 2>/dev/null || true
}
of_engine() { # what would outlive its namespaces
    find /sys/fs/cgroup -mindepth 1 -maxdepth 3 -type d -name "*dtr-caches-$suffix*" -printf 'cgroup %p\n' 2>/dev/null
    awk -v under="$PWD/build/engine" 'index($5, under) == 1 {print "mount " $5}' /proc/self/mountinfo
    losetup --list --noheadings --output NAME,BACK-FILE 2>/dev/null | awk -v under="$PWD/" 'index($2, under) == 1 {print "loop device " $1 " on " $2}'
    ip netns list 2>/dev/null | awk -v name="$suffix" 'index($1, name) {print "network namespace " $1}'
    pgrep --full --list-full -- "$PWD/build/engine/" | sed "s/^/process /" || true
    find build/engine/docker.sock build/engine/pid "/tmp/dtr-caches-$suffix" -prune -printf 'file %p\n' 2>/dev/null || true
}

left=$(of_labs; [ "${2:-}" != engine ] || of_engine)
[ -z "$left" ] || { printf 'molecule: left behind, which should not be: %s\n' "$left" >&2; exit 1; }
