#!/bin/sh
# Note what was unpacked below a root and not installed, as dpkg would have: dpkg-status.sh ROOT, a hook of mmdebstrap while ROOT's
# apt still holds the packages. Scanners of images read that, and our bill of materials. A package of which the hooks before this one
# left nothing but words about it is not there any more; its copyright goes, too.
set -eu
root=$1

lies_there() { # package $1
    files=$(dpkg-deb --fsys-tarfile "$1" | tar --list | grep -v -e '/$' -e '^\./usr/share/\(doc\|lintian\)/') || return 0 # it only needs others
    printf '%s\n' "$files" | (cd "$root" && xargs -d '\n' ls -d 2>/dev/null) | grep -q .
}

for deb in "$root"/var/cache/apt/archives/*.deb; do
    if lies_there "$deb"; then
        dpkg-deb --field "$deb" | sed '/^Package:/a Status: install ok installed'
        echo
    else
        rm -rf "$root/usr/share/doc/$(dpkg-deb --field "$deb" Package)"
    fi
done >"$root/var/lib/dpkg/status"
