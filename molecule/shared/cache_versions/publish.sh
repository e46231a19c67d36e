#!/bin/sh
# Put the cache into DTR as operations/cache, in three versions: 0.1.0 (IMAGE, what is being proved), 0.2.0, and 0.3.0, which is
# broken. publish.sh REGISTRY IMAGE, in this folder, on an engine that has the image and is logged in.
set -eu
repository=$1/operations/cache image=$2

build() { # VERSION CONTAINERFILE
    DOCKER_BUILDKIT=0 docker build --quiet --network none --build-arg "BASE=$image" --file "$2" --tag "$repository:$1" .
}
docker tag "$image" "$repository:0.1.0"
build 0.2.0 Containerfile.next
build 0.3.0 Containerfile.broken
docker push --quiet --all-tags "$repository"
