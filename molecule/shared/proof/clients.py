"""The clients of the desk, each with the commands that its users type. Alice is who types them.

Owns: how a client pulls an image and forgets it. Does not own: any verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab import DTR

_CONTAINERD = "ctr --address /run/docker/containerd/containerd.sock --namespace desk"
_PODMAN = "podman --root /var/lib/podman --runroot /run/podman --storage-driver vfs"


@dataclass(frozen=True)
class Client:
    name: str
    pull: str
    forget: str  # nothing of the image is left after it
    resumes: bool  # asks for the rest when a connection was cut

    @property
    def image(self) -> str:
        return f"engineering/app:{self.name}"


def _client(name: str, pull: str, forget: str, resumes: bool) -> Client:
    image = f"{DTR}/engineering/app:{name}"
    return Client(name, pull.format(image=image), forget.format(image=image), resumes)


CLIENTS = [
    _client(
        "docker",
        f"echo alice-password | docker login --username alice --password-stdin {DTR} && docker pull {{image}}",
        "docker image rm --force {image}",
        resumes=True,
    ),
    _client(
        "containerd",
        f"{_CONTAINERD} images pull --hosts-dir /etc/docker/certs.d --user alice:alice-password {{image}}",
        f"{_CONTAINERD} images rm --sync {{image}}",
        resumes=True,
    ),
    # Both are of one library, whose version in Debian 12 gives the whole copy up; newer ones resume.
    _client(
        "skopeo",
        "skopeo copy --src-creds alice:alice-password docker://{image} dir:/var/tmp/image",
        "rm -rf /var/tmp/image",
        resumes=False,
    ),
    _client(
        "podman",
        f"{_PODMAN} pull --creds alice:alice-password {{image}}",
        f"{_PODMAN} image rm --force --all",
        resumes=False,
    ),
]
