#!/bin/sh
# The largest blob of the registry, which is a layer of the older image, is damaged: its path in /srv/rotten. All files in /srv/before.
set -eu
blobs=/var/lib/docker-registry/docker/registry/v2/blobs
rotten=$(find $blobs -name data -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
printf rotten | dd of="$rotten" conv=notrunc status=none
echo "$rotten" >/srv/rotten
find $blobs -name data -printf '%p %i %s %U\n' >/srv/before
