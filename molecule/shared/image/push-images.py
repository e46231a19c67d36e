#!/usr/bin/env python3
"""Push images of random layers to a registry: push-images.py REGISTRY ACCOUNT PASSWORD <IMAGES.

IMAGES is JSON: [{"name": "engineering/app:1.0", "layers": ["6M", "64K"]}, …]. Each layer holds one file of that size,
/layer-<number>. All images go into the engine by one `docker load` (a build would run a container for each layer), then
the real `docker push` does its work. An image of the same name is replaced.
"""

import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile

UNITS = {"K": 1024, "M": 1024**2}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def main(registry, account, password):
    images = json.load(sys.stdin)
    run("docker", "login", "--username", account, "--password-stdin", registry, given=password.encode())
    run("docker", "load", "--quiet", given=archive_of(registry, images))
    for image in images:
        run("docker", "push", "--quiet", f"{registry}/{image['name']}")


def archive_of(registry, images):
    """What `docker save` would have written."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        listed = [add_image(tar, f"{registry}/{image['name']}", image["layers"]) for image in images]
        add(tar, "manifest.json", json.dumps(listed).encode())
    return archive.getvalue()


def add_image(tar, name, sizes):
    layers = [layer(number, size) for number, size in enumerate(sizes)]
    digests = [hashlib.sha256(content).hexdigest() for content in layers]
    configuration = json.dumps(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            "history": [{"created_by": f"layer-{number}"} for number, _ in enumerate(layers)],
        }
    ).encode()
    of_this = f"{hashlib.sha256(configuration).hexdigest()}.json"
    add(tar, of_this, configuration)
    for digest, content in zip(digests, layers, strict=True):
        add(tar, f"{digest}/layer.tar", content)
    return {"Config": of_this, "RepoTags": [name], "Layers": [f"{digest}/layer.tar" for digest in digests]}


def layer(number, size):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        add(tar, f"layer-{number}", os.urandom(int(size[:-1]) * UNITS[size[-1]]))
    return content.getvalue()


def add(tar, name, content):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))


def run(*command, given=None):
    done = subprocess.run(command, input=given, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"'{' '.join(command)}' failed; its message is above")


if __name__ == "__main__":
    main(*sys.argv[1:])
