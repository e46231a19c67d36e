#!/usr/bin/env bash
# Which image the cache's image stands on; prints its reference. BASE=<image> names one with Python 3.11 or newer. Without it: the
# Containerfile's own where a registry can be pulled from, else a small one out of Debian packages. Needs DOCKER_HOST as set.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # mmdebstrap's own shell expands the hooks: "$1" is the new root
# Only unpacked, not configured: no shell beyond dash, no package manager, no perl. The hooks are extract-hook because others do not run then.
debian_base() {
    tests/tools/debian-image.sh dtr-content-cache-base bookworm --variant=extract \
        --include=python3,dash,coreutils,libc-bin,base-files,netbase,tzdata,ca-certificates \
        --setup-hook='for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -sfn usr/$d "$1/$d"; done' \
        --extract-hook='cat "$1"/usr/share/ca-certificates/*/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"; ln -sfn /etc/ssl/certs/ca-certificates.crt "$1/usr/lib/ssl/cert.pem"' \
        --extract-hook='printf "root:x:0:0:root:/root:/bin/sh\n" >"$1/etc/passwd"; printf "root:x:0:\n" >"$1/etc/group"' \
        --extract-hook='cd "$1" && rm -rf usr/lib/*/gconv usr/lib/python3*/lib2to3 usr/lib/python3*/ensurepip usr/lib/python3*/pydoc_data usr/lib/python3*/test usr/lib/*/libsqlite3.* usr/lib/*/libdb-* etc/cron.daily etc/logrotate.d' \
        --extract-hook='cd "$1" && rm -f usr/bin/openssl usr/bin/tar usr/bin/dpkg* usr/bin/perl* usr/bin/localedef' \
        --extract-hook="$(cat tests/tools/dpkg-status.sh)" \
        --extract-hook='rm -rf "$1"/var/cache/*'
}

usual=$(sed -n 's/^ARG BASE=//p' cache_runtime/Containerfile)
if [ -n "${BASE:-}" ]; then
    echo "$BASE"
elif docker image inspect "$usual" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$usual" >/dev/null 2>&1; then
    echo "$usual"
else
    printf 'image: %s cannot be pulled here: taking Debian packages instead\n' "$usual" >&2
    debian_base
fi
