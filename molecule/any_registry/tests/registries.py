"""The two registries, the cache in front of both, and what is known of a pull afterwards.

Owns: addresses, the registry's own log and disk, and who asks how without a client. Does not own: any verdict.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

import requests
from evidence import Manifest
from lab import Lab

OFFICE = "cache-lisbon"  # the machine with the cache in front of both
MACHINE, FOLDER = "registry", "/srv/registries"
REPOSITORY = "engineering/app"
ACCEPT = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
_GIVEN = re.compile(r'"GET /v2/\S+/blobs/(sha256:[0-9a-f]{64})\S* HTTP/1\.1" 20[06] ')


@dataclass(frozen=True)
class Registry:
    name: str
    address: str  # as it stands in the names of images

    @property
    def cache(self) -> str:
        """The cache's address at which it is this registry."""
        return f"{self.name}.lisbon.test:5000"

    def control(self, lab: Lab, word: str) -> None:
        lab.machine(MACHINE).run_expect([0], f"{FOLDER}/registries.sh {word} {self.name}")

    def manifest(self, lab: Lab, tag: str) -> Manifest:
        """As it lies on the registry's disk, so that its log stays untouched."""
        machine, root = lab.machine(MACHINE), f"{FOLDER}/{self.name}/docker/registry/v2"
        link = f"{root}/repositories/{REPOSITORY}/_manifests/tags/{tag}/current/link"
        name = machine.check_output(f"cat {link}").removeprefix("sha256:")
        # Not check_output, which would take the last line's end away, and with it the digest.
        return Manifest.parse(machine.file(f"{root}/blobs/sha256/{name[:2]}/{name}/data").content_string)

    def blobs_given(self, lab: Lab) -> Counter[str]:
        """How often the bytes of each blob left the registry, since it began."""
        return Counter(_GIVEN.findall(lab.machine(MACHINE).file(f"{FOLDER}/{self.name}.log").content_string))

    def push(self, lab: Lab, tag: str, layers: list[str]) -> None:
        """Headquarters pushes an image of new layers, which takes the tag if another had it."""
        images = json.dumps([{"name": f"{REPOSITORY}:{tag}", "layers": layers}])
        push = f"printf %%s %s | /push-images.py {self.address} publisher publisher-password"
        lab.machine("headquarters").run_expect([0], push, images)

    def ask_cache(self, lab: Lab, path: str, account: str = "") -> requests.Response:
        """The cache's answer to an account ("" is nobody), with whatever credentials it can get."""
        headers, auth = dict(ACCEPT), None
        if account and self.name == "htpasswd":
            auth = (account, f"{account}-password")
        elif account:
            headers["Authorization"] = f"Bearer {_token(lab, account)}"
        url, ca = f"https://{self.cache}/v2/{REPOSITORY}/{path}", str(lab.files / "office-ca" / "ca.pem")
        return requests.get(url, headers=headers, auth=auth, verify=ca, timeout=30)


def _token(lab: Lab, account: str) -> str:
    url = f"https://tokens.test:5002/token?service=tokens.test&scope=repository:{REPOSITORY}:pull"
    answer = lab.get(url, ca="registries/office-ca/ca.pem", auth=(account, f"{account}-password"))
    answer.raise_for_status()
    return str(answer.json()["token"])


HTPASSWD = Registry("htpasswd", "htpasswd.test:5000")
TOKENS = Registry("tokens", "tokens.test:5001")
