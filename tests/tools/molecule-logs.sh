#!/usr/bin/env bash
# What a lab logged in the last minute: the engine below, the machines and, last because they are asked for most, the caches.
# molecule-logs.sh LABEL, called when a scenario failed, so that a CI's output alone explains it. Needs DOCKER_HOST as set.
# What a scenario starts in a machine by itself logs to /srv/…/NAME.log there; of that, the end is shown.
set -uo pipefail
label=${1:?usage: molecule-logs.sh LABEL}

section() { printf '\n===== the last minute of %s\n' "$1"; }
machines=$(docker ps --all --filter "label=$label" --format '{{.Names}}')
section "the engine below"
tests/tools/engine.sh log | tail -n 60
for machine in $machines; do
    section "$machine"
    docker logs --since 60s "$machine" 2>&1 | tail -n 200
    docker exec "$machine" find /srv -name '*.log' -size +0 -printf '\n===== the end of %p\n' -exec tail -n 60 {} \; 2>/dev/null
done
for machine in $machines; do
    for container in $(docker exec "$machine" docker ps --all --format '{{.Names}}' 2>/dev/null); do
        section "$container on $machine"
        docker exec "$machine" docker logs --since 60s "$container" 2>&1 | tail -n 200
    done
done
