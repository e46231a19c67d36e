#!/usr/bin/env bash
# docker build without its noise: docker-build.sh IMAGE CONTEXT BUILD-OPTION…
# The whole output is shown when it fails. The image that had the name before goes: rebuilding leaves no nameless images.
set -euo pipefail
image=${1:?usage: docker-build.sh IMAGE CONTEXT BUILD-OPTION…}
context=${2:?usage: docker-build.sh IMAGE CONTEXT BUILD-OPTION…}
shift 2

identity() { docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true; }
before=$(identity)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The classic builder, since the other one is a plugin that is not everywhere.
if ! DOCKER_BUILDKIT=0 docker build --tag "$image" "$@" "$context" >"$log" 2>&1; then
    cat "$log" >&2
    printf 'image: could not build %s; the output of the build is above\n' "$image" >&2
    exit 1
fi
[ -z "$before" ] || [ "$before" = "$(identity)" ] || docker image rm "$before" >/dev/null 2>&1 || true
