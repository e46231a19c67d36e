#!/usr/bin/env bash
# A Docker engine for the tests. Owns: finding one, or starting a private one below build/engine, and ending that again.
# Owns not: images (build-image.sh, molecule/images) and scenarios (molecule.sh).
# Rule: the private engine lives in namespaces of its own (engine-inside.sh). Two checkouts, or a test engine and the
# machine's own, therefore share no bridge, firewall rule, port, address or process, and its end leaves nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/tools
usage="usage: engine.sh start | stop | status | env | log | run COMMAND…   (ENGINE=private: never use the machine's own engine)"

dir=$PWD/build/engine
suffix=$(printf %s "$PWD" | sha256sum | cut -c1-6)
# A Unix socket's path may have 107 bytes.
sockets=$dir
[ ${#dir} -le 90 ] || sockets=/tmp/dtr-caches-$suffix
socket=$sockets/docker.sock
cgroup=dtr-caches-$suffix

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

private_pid() { # the process that holds the private engine's namespaces, if it lives
    local pid started
    [ -s "$dir/pid" ] && read -r pid started <"$dir/pid" || return 1
    [ "$(started_at "$pid")" = "$started" ] && echo "$pid"
}
started_at() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null; }
answers() { docker info >/dev/null 2>&1; }
private_answers() { DOCKER_HOST=unix://$socket answers; }
own_engine_usable() { [ "${ENGINE:-}" != private ] && command -v docker >/dev/null && answers; }

need_debian_root() {
    local why="no Docker engine answers (docker info), and a private one"
    [ "$(uname -s)" = Linux ] || fail "$why needs Linux; this is $(uname -s): start Docker, or set DOCKER_HOST"
    [ "$(id -u)" = 0 ] || fail "$why needs root: start Docker, set DOCKER_HOST, or run this as root"
    command -v apt-get >/dev/null || command -v dockerd >/dev/null ||
        fail "$why is installed by apt-get only, which is not here: install Docker and start it, or set DOCKER_HOST"
}

install_packages() { # $@: programs that must exist
    local program missing=()
    for program in "$@"; do command -v "$program" >/dev/null || missing+=("$(package_of "$program")"); done
    [ ${#missing[@]} -eq 0 ] && return
    tests/tools/apt-install.sh "${missing[@]}" || fail "could not install ${missing[*]}"
}
package_of() {
    case $1 in
        dockerd) echo docker.io ;;
        docker) if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi ;;
        ip) echo iproute2 ;;
        unshare | nsenter) echo util-linux ;;
        *) echo "$1" ;;
    esac
}

start() {
    if private_pid >/dev/null && private_answers; then say "the private engine runs already"; return; fi
    if own_engine_usable; then say "using the engine that answers at ${DOCKER_HOST:-the default socket}"; return; fi
    need_debian_root
    install_packages dockerd docker iptables ip unshare nsenter
    stop_private
    mkdir -p "$dir/data" "$sockets"
    say "starting a private engine, log in build/engine/engine.log"
    setsid unshare --mount --net -- "$here/engine-inside.sh" "$socket" "$dir/data" "$cgroup" \
        >"$dir/engine.log" 2>&1 </dev/null &
    echo "$! $(started_at $!)" >"$dir/pid"
    wait_until private_answers 60 || { tail -n 20 "$dir/engine.log" >&2; stop_private; fail "the private engine does not answer; its log is above"; }
    say "ready at unix://$socket"
}

wait_until() { # $1: a command, $2: seconds
    local deadline=$((SECONDS + $2))
    until "$1"; do
        [ $SECONDS -lt $deadline ] && private_pid >/dev/null || return 1
        sleep 0.2
    done
}

stop_private() {
    local pid
    if pid=$(private_pid); then
        empty_engine || true
        # Its child is process 1 of the engine's process namespace; it takes everything with it.
        xargs --no-run-if-empty kill -TERM <"/proc/$pid/task/$pid/children" 2>/dev/null || true
        timeout 20 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
        say "the private engine has ended"
    fi
    rm -f "$dir/pid" "$socket"
    [ "$sockets" = "$dir" ] || rm -rf "$sockets"
    remove_cgroups
}
empty_engine() {
    export DOCKER_HOST=unix://$socket
    docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network prune --force >/dev/null
    docker volume prune --force >/dev/null
}
remove_cgroups() {
    find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$cgroup" 2>/dev/null |
        while read -r found; do find "$found" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}

status() {
    if private_pid >/dev/null && private_answers; then echo "private engine at unix://$socket"
    elif own_engine_usable; then echo "the machine's engine at ${DOCKER_HOST:-the default socket}"
    else echo "no engine"; return 3; fi
}

run() { # in the engine's network, where containers are reached by address, with an /etc/hosts of its own
    local enter=(unshare --mount) pid
    [ $# -gt 0 ] || fail "$usage"
    [ "$(id -u)" = 0 ] || enter=(unshare --map-root-user --mount)
    if pid=$(private_pid); then
        export DOCKER_HOST=unix://$socket
        enter=(nsenter "--net=/proc/$pid/ns/net" -- unshare --mount)
    fi
    local hosts=${LAB_ETC_HOSTS:-build/molecule/hosts}
    mkdir -p "$(dirname "$hosts")"
    [ -s "$hosts" ] || cat /etc/hosts >"$hosts"
    # shellcheck disable=SC2016 # the inner shell expands it
    exec "${enter[@]}" -- sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$hosts" "$@"
}

case ${1:-} in
    start) start ;;
    stop) stop_private ;;
    status) status ;;
    env) if private_pid >/dev/null; then echo "export DOCKER_HOST=unix://$socket"; fi ;;
    log) if private_pid >/dev/null; then cat "$dir/engine.log"; fi ;;
    run) shift; run "$@" ;;
    *) fail "$usage" ;;
esac
