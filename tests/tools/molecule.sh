#!/usr/bin/env bash
# Run the molecule scenarios: molecule.sh [SCENARIO…]. All of them without a name, side by side, as many as there are cores and at
# most four (AT_ONCE=1: one after the other). `molecule.sh --shell` opens a shell in which molecule's own commands work (molecule
# converge --scenario-name …); leaving the shell takes everything down.
# Owns: the engine, the images, whose turn it is, and that nothing stays, also after Ctrl-C. Owns not: a single scenario
# (molecule-scenario.sh). Rule: what a scenario needs to know reaches it by the LAB_ variables below, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'molecule: %s\n' "$*" >&2; }

mapfile -t known < <(cd molecule && printf '%s\n' */molecule.yml | sed 's|/molecule.yml||' | grep -vx default)
# The long ones first, whoever is asked for, so that no core is idle at the end.
longest_first=(swarm ca_rotation upgrade_and_rollback two_upstreams any_registry real_clients cache_down tls retire chained_regions expiry)
in_order() { printf '%s\n' "${longest_first[@]}" "$@" | grep -Fx -f <(printf '%s\n' "$@") | awk '!seen[$0]++'; }
wanted=() shell=
if [ "${1:-}" = --shell ]; then
    shell=yes
elif [ $# = 0 ]; then
    mapfile -t wanted < <(in_order "${known[@]}")
else
    mapfile -t wanted < <(in_order "$@")
fi
for scenario in "${wanted[@]}"; do
    [ -f "molecule/$scenario/molecule.yml" ] || { say "found no scenario '$scenario'; there are: ${known[*]}"; exit 2; }
done
at_once=${AT_ONCE:-$(nproc | awk '{print ($1 < 4) ? $1 : 4}')}
[ "$at_once" -gt 0 ] 2>/dev/null || { say "AT_ONCE: found '$at_once', wanted how many scenarios run side by side, 1 or more"; exit 2; }
mkdir -p build/molecule/logs
exec 8>build/molecule/lock
flock --nonblock 8 || { say "another run is under way in this checkout; wait for its end"; exit 2; }

suffix=$(printf %s "$PWD" | sha256sum | cut -c1-6)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' cache_runtime/src/dtr_content_cache/__init__.py)
export LAB_SUFFIX=$suffix LAB_FILES=$PWD/build/molecule/lab LAB_ETC_HOSTS=$PWD/build/molecule/lab/hosts
export LAB_IMAGE=dtr-caches-lab:$suffix
export LAB_CACHE_IMAGE=dtr-content-cache:$version-$suffix LAB_CACHE_ARCHIVE=$PWD/build/image/dtr-content-cache-$version-$suffix.tar.gz
export PATH=$PWD/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections
export MOLECULE_PROJECT_DIRECTORY=$PWD MOLECULE_EPHEMERAL_DIRECTORY=$PWD/build/molecule/ephemeral/shell

declare -A running=() # process → scenario, or what else goes on beside
passed=() failed=()
end() {
    local code=$?
    trap - EXIT INT TERM
    # Each scenario is a process group of its own; what it started ends with it.
    for process in "${!running[@]}"; do kill -TERM -- "-$process" 2>/dev/null || true; done
    wait
    tests/tools/molecule-sweep.sh "checkout=dtr-caches-$suffix" build/molecule/lab || code=1
    if [ -n "${engine_is_ours:-}" ]; then tests/tools/engine.sh stop; fi
    tests/tools/molecule-leftovers.sh "$suffix" ${engine_is_ours:+engine} || code=1
    case $code in
        0) say "passed ${#passed[@]} scenario(s) in $SECONDS s: ${passed[*]}" ;;
        130 | 143) say "interrupted after $SECONDS s" ;;
        *) say "FAILED after $SECONDS s: ${failed[*]:-before any scenario}; passed: ${passed[*]:-none}" ;;
    esac
    exit "$code"
}
start() { # $1: scenario
    say "$1 begins"
    # One alone is watched; of several, only those that fail are shown.
    if [ ${#wanted[@]} = 1 ]; then
        tests/tools/molecule-scenario.sh "$1" &
    else
        tests/tools/molecule-scenario.sh "$1" >"build/molecule/logs/$1.log" 2>&1 &
    fi
    running[$!]=$1
}
await_one() {
    local process scenario code=0
    wait -n -p process "${!running[@]}" || code=$?
    scenario=${running[$process]}
    unset "running[$process]"
    if [ $code = 0 ]; then
        passed+=("$scenario")
    else
        failed+=("$scenario")
        if [ ${#wanted[@]} -gt 1 ]; then cat "build/molecule/logs/$scenario.log" >&2; fi
    fi
    say "$scenario $([ $code = 0 ] && echo passed || echo FAILED), $SECONDS s after the beginning"
}
if [ ! -t 1 ] || [ ${#wanted[@]} != 1 ]; then export NO_COLOR=1; fi
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! tests/tools/engine.sh status >/dev/null; then
    engine_is_ours=yes
    tests/tools/engine.sh start
fi
eval "$(tests/tools/engine.sh env)"
set -m # what is started beside becomes a process group of its own, which ends as one
IMAGE=$LAB_CACHE_IMAGE tests/tools/build-image.sh &
image=$!
running[$image]="the cache's image"
tests/tools/molecule-image.sh "$LAB_IMAGE"
wait "$image"
unset "running[$image]"
tests/tools/molecule-sweep.sh "checkout=dtr-caches-$suffix" build/molecule/lab

if [ -n "$shell" ]; then
    tests/tools/engine.sh run bash || true
    exit
fi
for scenario in "${wanted[@]}"; do
    [ ${#running[@]} -lt "$at_once" ] || await_one
    start "$scenario"
done
while [ ${#running[@]} -gt 0 ]; do await_one; done
[ ${#failed[@]} = 0 ]
