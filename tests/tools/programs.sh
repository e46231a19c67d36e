#!/usr/bin/env bash
# The programs $@ that tests compare with or pull by. Installs what is missing on Debian as root; elsewhere says so, and the tests
# that need them are skipped with the reason. Starts nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

package_of() {
    case $1 in
        promtool) echo prometheus ;;
        nginx) echo nginx-light ;;
        *) echo "$1" ;;
    esac
}

missing=()
for program in "$@"; do command -v "$program" >/dev/null || missing+=("$(package_of "$program")"); done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    tests/tools/apt-install.sh "${missing[@]}"
else
    printf 'programs: %s not installed; as root on Debian this would install them. Tests that need them are skipped\n' "${missing[*]}" >&2
fi
