#!/usr/bin/env bash
# Make an image out of Debian packages, for engines that reach no registry. Prints its reference, PREFIX:<hash of the recipe>.
# The result is kept as build/debian/<hash>.tar, so the packages are fetched once a checkout. Needs root and DOCKER_HOST as set.
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=${1:?usage: debian-image.sh PREFIX SUITE MMDEBSTRAP-OPTION…}
suite=${2:?usage: debian-image.sh PREFIX SUITE MMDEBSTRAP-OPTION…}
shift 2

hash=$(printf '%s\n' "$suite" "$@" | sha256sum | cut -c1-12)
image=$prefix:$hash
archive=build/debian/$hash.tar
part=build/debian/$hash.part.tar # mmdebstrap takes the format from the name
say() { printf 'image: %s\n' "$*" >&2; }

if ! docker image inspect "$image" >/dev/null 2>&1; then
    if [ ! -s "$archive" ]; then
        [ "$(id -u)" = 0 ] || { say "building $prefix out of Debian packages needs root"; exit 1; }
        command -v mmdebstrap >/dev/null || tests/tools/apt-install.sh mmdebstrap debian-archive-keyring
        say "building $prefix out of Debian $suite packages (once, about half a minute)"
        mkdir -p build/debian
        # Documentation and translations are two thirds of what some packages weigh.
        mmdebstrap --quiet --mode=root \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
            --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/zoneinfo/right/*' \
            --dpkgopt='path-exclude=/usr/share/zoneinfo/posix/*' \
            "$@" "$suite" "$part" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} 1>&2 ||
            { rm -f "$part"; say "mmdebstrap failed; its message is above"; exit 1; }
        mv "$part" "$archive"
    fi
    docker import "$archive" "$image" >/dev/null
fi
echo "$image"
