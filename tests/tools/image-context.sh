#!/usr/bin/env bash
# Lay the build context of the cache's image out: image-context.sh CONTEXT BASE. What the image has besides its base is one tar,
# and the same commit gives the same bytes on any machine, at any time, in any folder: names sorted, owners, modes and times
# fixed (the commit's time, or SOURCE_DATE_EPOCH), modules compiled one after the other by the base's own Python.
# Needs DOCKER_HOST as set. TRACES=yes: see packages-for-image.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
context=${1:?usage: image-context.sh CONTEXT BASE}
base=${2:?usage: image-context.sh CONTEXT BASE}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)}
root=$context/root

inside() { docker run --rm --network none "$@"; }
version=$(inside --entrypoint python3 "$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
    { printf 'image: the base image %s does not run python3\n' "$base" >&2; exit 1; }

rm -rf "$context"
mkdir -p "$root/certs" "$root/etc" "$root/opt" "$root/usr/local/bin" "$root/var/lib/registry"

# What dpkg noted in the base, for the bill of materials.
noted=$context/base
mkdir -p "$noted"
inside --entrypoint python3 "$base" -c '
import pathlib, sys, tarfile
paths = ["/etc/os-release", "/var/lib/dpkg/status", *pathlib.Path("/usr/share/doc").glob("*/copyright")]
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", dereference=True) as out:
    for path in filter(pathlib.Path.exists, map(pathlib.Path, paths)):
        out.add(path)' | tar --extract --directory "$noted"
if [ -e "$noted/var/lib/dpkg/status" ]; then
    export BASE_ROOT=$noted
else
    printf 'image: %s has no Debian packages: the bill of materials names the cache and its libraries alone\n' "$base" >&2
fi
SOURCE_DATE_EPOCH=$epoch tests/tools/packages-for-image.sh "$root/opt/dtr-content-cache" "$version" cache_runtime
cp cache_runtime/container/{dtr-content-cache,healthcheck} "$root/usr/local/bin/"
cp cache_runtime/container/start.sh "$root/"

# Without these files a read-only root would compile every module at every start. One process and no random hashes: what
# Python writes depends on what it compiled before, and on the order of its sets.
inside --user "$(id -u):$(id -g)" --volume "$(realpath "$root")/opt:/opt" --env PYTHONHASHSEED=0 --entrypoint python3 "$base" \
    -m compileall -q --invalidation-mode unchecked-hash /opt/dtr-content-cache

# The fixed number lets host directories be prepared (owner 10001) and lets Kubernetes check runAsNonRoot.
inside --entrypoint cat "$base" /etc/passwd >"$root/etc/passwd"
inside --entrypoint cat "$base" /etc/group >"$root/etc/group"
printf 'cache:x:10001:10001:content cache:/var/lib/registry:/bin/sh\n' >>"$root/etc/passwd"
printf 'cache:x:10001:\n' >>"$root/etc/group"

packed() { # $1: owner, rest: what
    local owner=$1
    shift
    tar --append --file "$context/layer.tar" --directory "$root" --format=gnu --sort=name --mtime="@$epoch" --numeric-owner \
        --owner="$owner" --group="$owner" --mode='u=rwX,go=rX' "$@"
}
packed 0 --exclude=./var/lib/registry .
packed 10001 ./var/lib/registry
cp cache_runtime/Containerfile "$context/"
rm -rf "$root" "$noted"
