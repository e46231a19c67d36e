#!/usr/bin/env bash
# Build the cache's image, dtr-content-cache:<version> (or IMAGE=…), and keep it as an archive build/image/dtr-content-cache-<version>.tar.
# BASE=<image> names another base with Python 3.11 or newer. Without it: the Containerfile's own where a registry can be
# pulled from, else a small one out of Debian packages. TRACES=yes makes an image that can send OpenTelemetry traces.
# The build is followed by image-smoke.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'image: %s\n' "$*" >&2; }

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' cache_runtime/src/dtr_content_cache/__init__.py)
image=${IMAGE:-dtr-content-cache:$version}
context=build/image/context
archive=build/image/${image//[:\/]/-}.tar

usual_base() { sed -n 's/^ARG BASE=//p' cache_runtime/Containerfile; }
# shellcheck disable=SC2016 # mmdebstrap's own shell expands the hooks: "$1" is the new root
# Only unpacked, not configured: no shell beyond dash, no package manager, no perl. The hooks are extract-hook because others do not run then.
debian_base() {
    tests/tools/debian-image.sh dtr-content-cache-base bookworm --variant=extract \
        --include=python3,dash,coreutils,libc-bin,base-files,netbase,tzdata,ca-certificates \
        --setup-hook='for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -sfn usr/$d "$1/$d"; done' \
        --extract-hook='cat "$1"/usr/share/ca-certificates/*/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"; ln -sfn /etc/ssl/certs/ca-certificates.crt "$1/usr/lib/ssl/cert.pem"' \
        --extract-hook='printf "root:x:0:0:root:/root:/bin/sh\n" >"$1/etc/passwd"; printf "root:x:0:\n" >"$1/etc/group"' \
        --extract-hook='cd "$1" && rm -rf usr/lib/*/gconv usr/lib/python3*/lib2to3 usr/lib/python3*/ensurepip usr/lib/python3*/pydoc_data usr/lib/python3*/test usr/lib/*/libsqlite3.* usr/lib/*/libdb-* var/cache/* etc/cron.daily etc/logrotate.d' \
        --extract-hook='cd "$1" && rm -f usr/bin/openssl usr/bin/tar usr/bin/dpkg* usr/bin/perl* usr/bin/localedef'
}
choose_base() {
    if [ -n "${BASE:-}" ]; then echo "$BASE"; return; fi
    local usual; usual=$(usual_base)
    if docker image inspect "$usual" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$usual" >/dev/null 2>&1; then
        echo "$usual"
    else
        say "$usual cannot be pulled here: taking Debian packages instead"
        debian_base
    fi
}

if ! tests/tools/engine.sh status >/dev/null; then
    trap 'tests/tools/engine.sh stop' EXIT
    tests/tools/engine.sh start
fi
eval "$(tests/tools/engine.sh env)"
base=$(choose_base)
python_version=$(docker run --rm --network none --entrypoint python3 "$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
    { say "the base image $base does not run python3"; exit 1; }

say "building $image on $base (Python $python_version)"
rm -rf "$context"
mkdir -p "$context"
tests/tools/packages-for-image.sh "$context/packages" "$python_version" cache_runtime
cp -a cache_runtime/container cache_runtime/Containerfile "$context/"
tests/tools/docker-build.sh "$image" "$context" --network none --file "$context/Containerfile" --build-arg "BASE=$base" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"

identity=$(docker image inspect --format '{{.Id}}' "$image")
done_for() { [ "$(cat "$1" 2>/dev/null)" = "$identity" ]; } # the same image as last time
if ! done_for build/image/tested; then
    tests/tools/image-smoke.sh "$image"
    echo "$identity" >build/image/tested
fi
if ! done_for "$archive.identity" || [ ! -s "$archive" ]; then
    docker save --output "$archive" "$image"
    echo "$identity" >"$archive.identity"
    say "$image: $(du -m --apparent-size "$archive" | cut -f1) MB, $(gzip -1 -c "$archive" | wc -c | awk '{printf "%.0f", $1 / 1e6}') MB compressed"
fi
say "$image is in $archive"
