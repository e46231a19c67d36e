"""The clients of the desk, each with the commands that its users type.

Docker is told the cache's address; the others are told the registry's, and ask the cache first because of what the role
cache_client left there. Owns: how a client pulls an image and forgets it. Does not own: any verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from registries import REPOSITORY, Registry

DESK = "desk"
_CONTAINERD = "ctr --address /run/docker/containerd/containerd.sock --namespace desk"
_PODMAN = "podman --root /var/lib/podman --runroot /run/podman --storage-driver vfs"
_LOGINS = "/root/logins.json"


@dataclass(frozen=True)
class Client:
    name: str
    pull: str
    forget: str

    def commands(self, registry: Registry, account: str, tag: str) -> tuple[str, str]:
        """What forgets the image, and what pulls it."""
        words = {
            "account": account,
            "password": f"{account}-password",
            "cache": registry.cache,
            "image": f"{registry.address}/{REPOSITORY}:{tag}",
            "image_by_cache": f"{registry.cache}/{REPOSITORY}:{tag}",
        }
        words["logins"] = " && ".join(
            f"skopeo login --authfile {_LOGINS} --username {account} --password {account}-password {place}"
            for place in (registry.cache, registry.address)
        )
        return self.forget.format(**words), self.pull.format(**words)


CLIENTS = [
    Client(
        "docker",
        "docker logout {cache}; echo {password} | docker login --username {account} --password-stdin {cache}"
        " && docker pull {image_by_cache}",
        "docker image rm --force {image_by_cache}",
    ),
    Client(
        "containerd",
        f"{_CONTAINERD} images pull --hosts-dir /etc/containerd/certs.d --user {{account}}:{{password}} {{image}}",
        f"{_CONTAINERD} images rm --sync {{image}}",
    ),
    Client(
        "skopeo",
        f"rm -f {_LOGINS}; {{logins}} && skopeo copy --authfile {_LOGINS} docker://{{image}} dir:/var/tmp/image",
        "rm -rf /var/tmp/image",
    ),
    Client(
        "podman",
        f"rm -f {_LOGINS}; {{logins}} && {_PODMAN} pull --authfile {_LOGINS} {{image}}",
        f"{_PODMAN} image rm --force --all",
    ),
]
