"""The signed URLs that DTR redirects clients to, and what somebody might do with one.

Owns: getting one as a client gets it, sending it, and the time in it. Does not own: any verdict; a check asks the logs.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import requests
from lab import DTR, Lab


@dataclass(frozen=True)
class Client:
    """An account that speaks to DTR and the cache itself, where `docker` would do the right thing only."""

    lab: Lab
    account: str

    def token(self, repository: str) -> str:
        """A bearer token to pull from the repository; DTR gives one to everybody, with the rights that they have."""
        query = f"service={DTR}&scope=repository:{repository}:pull"
        url = f"https://{DTR}/auth/token?{query}"
        answer = self.lab.get(url, ca="dtr-ca.pem", auth=(self.account, f"{self.account}-password"))
        answer.raise_for_status()
        return str(answer.json()["token"])

    def ask_dtr(self, repository: str, digest: str, token: str) -> requests.Response:
        """DTR's answer to a request for the blob: a redirect that is not followed, or a refusal."""
        return requests.get(
            f"https://{DTR}/v2/{repository}/blobs/{digest}",
            headers={"Authorization": f"Bearer {token}"},
            verify=str(self.lab.files / "dtr-ca.pem"),
            allow_redirects=False,
            timeout=10,
        )

    def signed_url(self, repository: str, digest: str) -> str:
        answer = self.ask_dtr(repository, digest, self.token(repository))
        assert answer.status_code == 307, answer.text
        return answer.headers["Location"]

    def ask_cache(self, url: str, method: str = "GET") -> requests.Response:
        return requests.request(method, url, verify=str(self.lab.files / "office-ca" / "ca.pem"), timeout=10)


def grant_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["grant"][0]


def ends_s(url: str) -> int:
    """When the grant in the URL ends, in Unix seconds."""
    claims = grant_in(url).split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
