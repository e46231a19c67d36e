#!/usr/bin/env bash
# Build the image of the lab's machines (molecule/shared/image) as dtr-caches-lab:<checkout>. Needs DOCKER_HOST as set.
# It holds the simulator as it is in this checkout; only that last layer is new each time.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${1:?usage: molecule-image.sh IMAGE}
source=molecule/shared/image
context=build/molecule/image
say() { printf 'image: %s\n' "$*" >&2; }

network=(--network none)
packages=$(paste -s -d , "$source/packages")
usual=$(sed -n 's/^ARG BASE=//p' "$source/Containerfile")
if docker image inspect "$usual" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$usual" >/dev/null 2>&1; then
    base=$usual network=()
else
    base=$(tests/tools/debian-image.sh dtr-caches-lab-base bookworm --variant=essential "--include=$packages")
fi

say "building the lab's machines on $base"
rm -rf "$context"
mkdir -p "$context"
tests/tools/packages-for-image.sh "$context/packages" 3.11 tests/dtr_simulator
cp -a "$source" "$context/image"
tests/tools/docker-build.sh "$image" "$context" "${network[@]}" --file "$source/Containerfile" --build-arg "BASE=$base"
