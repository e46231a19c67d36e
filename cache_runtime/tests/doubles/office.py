"""An office as real clients see it: DTR with an image, a cache over TLS that DTR knows, an account that uses it.

Between client and cache, and between cache and DTR, lies a line that a test can break.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from dtr_simulator.image import WrittenImage, write_image
from dtr_simulator.running import RunningSimulator, running_simulator

from .certificates import Authority
from .cutting_relay import CuttingRelay
from .running_cache import RunningCache, eventually, running_cache

LAYER_BYTES = 6_000_000
REPOSITORY = "org/app"


@dataclass
class Office:
    """`trust` is a PEM bundle with DTR's and the cache's CA, as an operator gives it to the machines."""

    dtr: RunningSimulator
    cache: RunningCache
    image: WrittenImage
    trust: Path
    to_cache: CuttingRelay
    to_dtr: CuttingRelay

    def credentials(self, account: str) -> str:
        return f"{account}:{self.dtr.password(account)}"

    @property
    def reference(self) -> str:
        return f"{urlsplit(self.dtr.url).netloc}/{REPOSITORY}:{self.image.tag}"

    def blob_gets(self) -> list[dict[str, str]]:
        """What the cache answered about blobs, from its own access log."""
        return [line for line in self.cache.accesses if line["method"] == "GET" and "/blobs/" in line["target"]]

    def settled(self) -> list[dict[str, str]]:
        """As `blob_gets`, after a pull of the whole image: when every blob has its line and is on the cache's disk."""

        def complete() -> bool:
            told = {line["target"].rpartition("/")[2] for line in self.blob_gets()}
            return set(self.image.blobs) <= told and all(map(self.cache.is_stored, self.image.blobs))

        eventually(complete)
        return self.blob_gets()

    def fetched(self) -> list[str]:
        """Digests of the blobs that DTR sent to the cache, one for each transfer, finished or not."""
        by_grant = self.dtr.requests(method="GET", via="grant")
        return [one["path"].rpartition("/")[2] for one in by_grant if "/blobs/" in one["path"]]


def use_cache(dtr: RunningSimulator, host: str, accounts: tuple[str, ...], *, name: str = "office") -> None:
    """Register the cache at `host` and let `accounts` pull through it."""
    session = requests.Session()
    session.trust_env, session.verify, session.auth = False, str(dtr.ca_path), ("admin", dtr.password("admin"))
    made = session.post(f"{dtr.url}/api/v0/content_caches", json={"name": name, "host": host}, timeout=10)
    assert made.status_code == 201, made.text
    wish = {"contentCacheUUID": made.json()["id"]}
    for account in accounts:
        done = session.patch(f"{dtr.url}/api/v0/accounts/{account}/settings", json=wish, timeout=10)
        assert done.status_code == 200, done.text


@contextmanager
def running_office(folder: Path, *, layers: int = 3) -> Iterator[Office]:
    """alice may read org/app and uses the cache; bob uses it too, and may not."""
    image = write_image(folder / "layout", "1.0", layers=layers, layer_size=LAYER_BYTES)
    authority = Authority("the office")
    certificate, key = authority.issue(folder, "127.0.0.1", name="cache")
    with running_simulator(layouts={REPOSITORY: folder / "layout"}) as dtr:
        trust = folder / "trust.pem"
        trust.write_bytes(dtr.ca_path.read_bytes() + authority.pem)
        tls = {"tls": {"certificate": str(certificate), "key": str(key)}}
        with (
            CuttingRelay(urlsplit(dtr.url).port or 443) as to_dtr,
            running_cache(
                folder / "cache", [f"https://127.0.0.1:{to_dtr.port}"], http=tls, cas=[str(dtr.ca_path)]
            ) as cache,
            CuttingRelay(urlsplit(cache.url).port or 443) as to_cache,
        ):
            use_cache(dtr, f"https://127.0.0.1:{to_cache.port}", ("alice", "bob"))
            yield Office(dtr, cache, image, trust, to_cache, to_dtr)
