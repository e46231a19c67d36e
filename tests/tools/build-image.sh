#!/usr/bin/env bash
# Build the cache's image, dtr-content-cache:<version> (or IMAGE=…), and keep it as an archive build/image/dtr-content-cache-<version>.tar.gz.
# BASE=<image> names another base (image-base.sh). TRACES=yes makes an image that can send OpenTelemetry traces.
# The build is followed by image-smoke.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'image: %s\n' "$*" >&2; }

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' cache_runtime/src/dtr_content_cache/__init__.py)
image=${IMAGE:-dtr-content-cache:$version}
context=build/image/context
archive=build/image/${image//[:\/]/-}.tar.gz

if ! tests/tools/engine.sh status >/dev/null; then
    trap 'tests/tools/engine.sh stop' EXIT
    tests/tools/engine.sh start
fi
eval "$(tests/tools/engine.sh env)"
base=$(tests/tools/image-base.sh)

say "building $image on $base"
tests/tools/image-context.sh "$context" "$base"
tests/tools/docker-build.sh "$image" "$context" --network none --file "$context/Containerfile" --build-arg "BASE=$base" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"

identity=$(docker image inspect --format '{{.Id}}' "$image")
done_for() { [ "$(cat "$1" 2>/dev/null)" = "$identity" ]; } # the same image as last time
if ! done_for build/image/tested; then
    tests/tools/image-smoke.sh "$image"
    echo "$identity" >build/image/tested
fi
if ! done_for "$archive.identity" || [ ! -s "$archive" ]; then
    docker save "$image" | gzip -n >"$archive.new" # it travels over thin lines
    mv "$archive.new" "$archive"
    echo "$identity" >"$archive.identity"
    say "$image: $(gzip -dc "$archive" | wc -c | awk '{printf "%.0f", $1 / 1e6}') MB, $(wc -c <"$archive" | awk '{printf "%.0f", $1 / 1e6}') MB compressed"
fi
say "$image is in $archive"
