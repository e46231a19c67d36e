#!/usr/bin/env bash
# Does the image $1 keep its promises? Command line of the vendor's image, both start scripts of his stack files, an ordinary
# user, read-only root without capabilities, healthy, and a drain on SIGTERM. Needs DOCKER_HOST as set.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${1:?usage: image-smoke.sh IMAGE}
files=$PWD/build/image/smoke
name=dtr-cache-smoke-$$

trap 'docker rm --force --volumes "$name" >/dev/null 2>&1 || true; rm -rf "$files"' EXIT
fail() {
    printf 'image: %s: %s\n' "$image" "$*" >&2
    docker logs --tail 20 "$name" >&2 2>/dev/null || true
    exit 1
}
expect() { # $1: what, $2: wanted text, rest: command
    local what=$1 wanted=$2 found
    shift 2
    found=$("$@" 2>&1) || true
    [[ $found == *"$wanted"* ]] || fail "$what: wanted '$wanted', found '$found'"
}
once() { docker run --rm --network none --read-only --cap-drop ALL --volume "$files/config.yml:/config.yml:ro" "$@"; }

mkdir -p "$files"
cat >"$files/config.yml" <<'YAML'
version: 0.1
storage:
  delete:
    enabled: true
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
middleware:
  registry:
    - name: downstream
      options:
        blobttl: 24h
        upstreams:
          - https://dtr.example.invalid
YAML

expect "--version" dtr-content-cache once "$image" --version
expect "/start.sh (Swarm)" dtr-content-cache once --entrypoint /start.sh "$image" --version
expect "sh start.sh (Kubernetes)" dtr-content-cache once --entrypoint bin/sh "$image" start.sh --version
expect "the user" 10001 once --entrypoint python3 "$image" -c 'import os; print(os.getuid())'
# One file, or a folder with a link for each by its hash.
roots="import glob, ssl; d = ssl.get_default_verify_paths(); print('roots:', bool(ssl.create_default_context().get_ca_certs() or glob.glob(f'{d.capath}/*.0')))"
expect "the CAs of the system" "roots: True" once --entrypoint python3 "$image" -c "$roots"
packages=$(once --interactive --entrypoint python3 "$image" - <tests/tools/sbom-complete.py 2>&1) || fail "the bill of materials: $packages"
printf 'image: its bill of materials names %s\n' "$packages" >&2
once "$image" --check /config.yml >/dev/null || fail "--check refuses the vendor's simple configuration"
if once "$image" --check /nowhere.yml >/dev/null 2>&1; then fail "--check accepts a file that is not there"; fi

docker run --detach --name "$name" --network none --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
    --volume "$files/config.yml:/config.yml:ro" "$image" /config.yml >/dev/null
health() { docker inspect --format '{{.State.Health.Status}}' "$name"; }
deadline=$((SECONDS + 120))
until [ "$(health)" = healthy ]; do
    [ "$(docker inspect --format '{{.State.Running}}' "$name")" = true ] || fail "ended by itself: $(docker logs --tail 5 "$name" 2>&1)"
    [ $SECONDS -lt $deadline ] || fail "not healthy: $(docker inspect --format '{{json .State.Health}}' "$name")"
    sleep 0.5
done
docker stop --time 30 "$name" >/dev/null
code=$(docker inspect --format '{{.State.ExitCode}}' "$name")
[ "$code" = 0 ] || fail "SIGTERM: wanted exit code 0, found $code"
