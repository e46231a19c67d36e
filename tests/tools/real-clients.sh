#!/usr/bin/env bash
# The clients that the runtime's tests pull with: skopeo, and containerd with its ctr. Installs what is missing on Debian as root;
# elsewhere says so, and their tests are skipped with the reason. Starts nothing: the tests run a containerd of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
for program in skopeo containerd; do command -v "$program" >/dev/null || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    tests/tools/apt-install.sh "${missing[@]}"
else
    printf 'real clients: %s not installed; as root on Debian this would install them. Their tests are skipped\n' "${missing[*]}" >&2
fi
