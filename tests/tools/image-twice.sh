#!/usr/bin/env bash
# Does the same commit give the same image layer? Two clones of HEAD in two folders, built one after the other, the second without
# any cache; what each image has besides its base must have one digest. Ends with that digest, to be compared with a published
# image's: docker image inspect --format '{{json .RootFS.Layers}}' IMAGE.
# The second one is built by somebody with secrets wherever builds look for them; none may be in the image.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf 'image: %s\n' "$*" >&2; }

if ! tests/tools/engine.sh status >/dev/null; then
    trap 'tests/tools/engine.sh stop' EXIT
    tests/tools/engine.sh start
fi
eval "$(tests/tools/engine.sh env)"
place=$PWD/build/image-twice
base=$(tests/tools/image-base.sh)
layers() { docker image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" | sed '/^$/d'; }

canary=canary-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
have_secrets() {
    local home=$place/home
    mkdir -p "$home/.docker" "$home/.config/pip"
    printf 'machine dtr.example.com login builder password %s\n' "$canary" >"$home/.netrc"
    printf '{"auths": {"dtr.example.com": {"auth": "%s"}}, "proxies": {"default": {"httpProxy": "http://builder:%s@proxy.invalid:3128"}}}\n' \
        "$(printf 'builder:%s' "$canary" | base64 --wrap=0)" "$canary" >"$home/.docker/config.json"
    { cat "$HOME/.config/pip/pip.conf" 2>/dev/null || true; printf '# %s\n' "$canary"; } >"$home/.config/pip/pip.conf"
    export HOME=$home DTR_PASSWORD=$canary REGISTRY_HTTP_SECRET=$canary
    # A proxy with a password, which nobody is to use: the packages come as ever.
    export HTTP_PROXY=http://builder:$canary@proxy.invalid:3128 HTTPS_PROXY=http://builder:$canary@proxy.invalid:3128 NO_PROXY='*' no_proxy='*'
}
keeps_none() { # of these secrets, image $1; and the search does find what is there
    local image=$1 files
    files=$place/saved
    docker save "$image" >"$files"
    docker history --no-trunc "$image" >"$files.history"
    docker image inspect "$image" >"$files.inspect"
    grep --text --quiet --fixed-strings "dtr_content_cache/__main__.py" "$files" || { say "the layers of $image cannot be searched"; exit 1; }
    for secret in "$canary" "$(printf 'builder:%s' "$canary" | base64 --wrap=0)"; do
        if found=$(grep --text --files-with-matches --fixed-strings "$secret" "$files" "$files.history" "$files.inspect"); then
            say "a secret of who built $image is in $found"
            exit 1
        fi
    done
}

built() { # $1: which, rest: options of docker build; prints the digests of the layers that are not the base's
    local clone=$place/$1/checkout image=dtr-content-cache-$1:twice
    local which=$1
    shift
    rm -rf "${clone:?}"
    mkdir -p "$(dirname "$clone")"
    git clone --quiet --no-hardlinks . "$clone"
    ln -s "$PWD/.venv" "$clone/.venv"
    [ "$which" = second ] || umask 077 # what a file's mode depends on
    [ "$which" != second ] || have_secrets
    "$clone/tests/tools/image-context.sh" "$clone/context" "$base"
    sha256sum <"$clone/context/layer.tar" | cut -c1-64 >"$place/$which/tar"
    "$clone/tests/tools/docker-build.sh" "$image" "$clone/context" --network none --file "$clone/context/Containerfile" \
        --build-arg "BASE=$base" "$@"
    layers "$image" | tail -n +$(($(layers "$base" | wc -l) + 1))
    [ "$which" != second ] || keeps_none "$image" >&2
    docker image rm "$image" >/dev/null
}

rm -rf "$place"
first=$(built a-first)
second=$(built second --no-cache)
[ "$(cat "$place/a-first/tar")" = "$(cat "$place/second/tar")" ] ||
    { say "two builds of $(git rev-parse --short HEAD) gave different files: compare $place/*/checkout/context/layer.tar"; exit 1; }
[ "$first" = "$second" ] ||
    { say "two builds of $(git rev-parse --short HEAD) gave the same files and different layers: $first and $second"; exit 1; }
rm -rf "$place"
say "two builds of $(git rev-parse --short HEAD) on $base gave the same layer, without the secrets of who built it: $first"
