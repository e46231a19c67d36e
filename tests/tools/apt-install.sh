#!/usr/bin/env bash
# Install Debian packages $@ quietly, without starting the services that they bring. Needs root.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: apt-install.sh PACKAGE…" >&2; exit 2; }
printf 'apt: installing %s\n' "$*" >&2
log=$(mktemp)
policy=/usr/sbin/policy-rc.d

end() { rm -f "$log"; [ -z "${made_policy:-}" ] || rm -f "$policy"; }
trap end EXIT
# Debian asks this file before it starts a service: 101 means "not now".
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
get() { apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" >>"$log" 2>&1 </dev/null; }
get install --no-install-recommends "$@" && exit 0
# Package lists that are missing or old are the usual reason.
if ! { get update && get install --no-install-recommends "$@"; }; then
    tail -n 15 "$log" >&2
    printf 'apt: could not install %s; the end of its output is above\n' "$*" >&2
    exit 1
fi
