#!/usr/bin/env bash
# Remove what labs left: molecule-sweep.sh LABEL [FILE…]. Containers, networks and volumes with the label, then the files.
# Needs DOCKER_HOST as set. Nothing without the label is touched, so other runs on the same engine go on.
set -euo pipefail
label=label=${1:?usage: molecule-sweep.sh LABEL [FILE…]}
shift

docker ps --all --quiet --filter "$label" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
docker network ls --quiet --filter "$label" | xargs --no-run-if-empty docker network rm >/dev/null
docker volume ls --quiet --filter "$label" | xargs --no-run-if-empty docker volume rm >/dev/null
rm -rf "$@"
