#!/usr/bin/env bash
# What the lab's machines logged in the last minute: DTR, and for each engine the caches on it and the engine itself.
# Called by molecule.sh when a scenario failed, so that a CI's output alone explains it. Needs DOCKER_HOST and LAB_SUFFIX.
set -uo pipefail
label=lab=dtr-caches-${LAB_SUFFIX:?}

section() { printf '\n===== %s\n' "$*"; }
for machine in $(docker ps --all --filter "label=$label" --format '{{.Names}}'); do
    for cache in $(docker exec "$machine" docker ps --all --format '{{.Names}}' 2>/dev/null); do
        section "cache $cache on $machine: its log of the last minute"
        docker exec "$machine" docker logs --since 60s "$cache" 2>&1 | tail -n 200
    done
    section "$machine: its log of the last minute"
    docker logs --since 60s "$machine" 2>&1 | grep -v 'level=info msg="\[core\]' | tail -n 200
done
if [ -s build/engine/engine.log ]; then
    section "the engine below: the end of its log"
    tail -n 60 build/engine/engine.log
fi
