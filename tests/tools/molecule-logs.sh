#!/usr/bin/env bash
# What the lab logged in the last minute: the engines, DTR and, last because they are asked for most, the caches.
# Called by molecule.sh when a scenario failed, so that a CI's output alone explains it. Needs DOCKER_HOST and LAB_SUFFIX.
set -uo pipefail
label=lab=dtr-caches-${LAB_SUFFIX:?}

section() { printf '\n===== the last minute of %s\n' "$1"; }
machines=$(docker ps --all --filter "label=$label" --format '{{.Names}}')
section "the engine below"
tests/tools/engine.sh log | tail -n 60
for machine in $machines; do
    section "$machine"
    docker logs --since 60s "$machine" 2>&1 | tail -n 200
done
for machine in $machines; do
    for container in $(docker exec "$machine" docker ps --all --format '{{.Names}}' 2>/dev/null); do
        section "$container on $machine"
        docker exec "$machine" docker logs --since 60s "$container" 2>&1 | tail -n 200
    done
done
