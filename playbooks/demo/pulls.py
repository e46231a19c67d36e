"""Pulls of the demo: made by the module image_pull, judged, and told.

Owns: what one pull was, what was expected of it, and its lines in the terminal. Does not own: the order of the
story. Rule: where a layer came from is told from the cache's own header and from DTR's request log, never assumed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dtr_simulator.running import RunningSimulator
from offices import PASSWORDS, REGION_OF, Office
from steps import StepFailed, run_watched, say

PULL = Path(__file__).parent / "pull.yml"


@dataclass(frozen=True)
class Blob:
    digest: str
    bytes: int
    served_by: str
    cache_status: str
    seconds: float

    @property
    def hit(self) -> bool:
        return "hit" in self.cache_status.split(";")[1].split() if ";" in self.cache_status else False


@dataclass(frozen=True)
class Pull:
    """`from_dtr` are the digests that DTR sent out meanwhile."""

    account: str
    image: str
    allowed: bool
    seconds: float
    message: str
    blobs: tuple[Blob, ...] = ()
    from_dtr: frozenset[str] = field(default_factory=frozenset)

    def told(self) -> dict[str, object]:
        """Its entry in the report."""
        blobs = [asdict(blob) for blob in self.blobs]
        return {"account": self.account, "image": self.image, "allowed": self.allowed,
                "seconds": self.seconds, "blobs": blobs}


class Puller:
    """Pulls as an account does, one after the other, and keeps count of them."""

    def __init__(self, dtr: RunningSimulator, offices: list[Office], home: Path, office_ca: Path,
                 environment: Mapping[str, str]) -> None:
        self._dtr, self._home, self._office_ca, self._environment = dtr, home, office_ca, environment
        self._office = {office.region: office for office in offices}
        self.pulls: list[Pull] = []

    def pull(self, account: str, image: str) -> Pull:
        """Raise StepFailed if the pull neither worked nor was refused."""
        number = len(self.pulls) + 1
        files = {name: self._home / "pulls" / f"{number}-{account}.{name}" for name in ("vars", "json", "log")}
        files["vars"].parent.mkdir(exist_ok=True)
        files["vars"].touch(mode=0o600)
        files["vars"].write_text(json.dumps({"pull": self._options(account, image, files["json"])}), encoding="utf-8")
        before = blobs_sent(self._dtr)
        name = f"{account} pulls {image}"
        run_watched(name, ["ansible-playbook", str(PULL), "-i", "localhost,", "-e", f"@{files['vars']}",
                           "-e", f"ansible_python_interpreter={sys.executable}"], files["log"], self._environment)
        told = json.loads(files["json"].read_text(encoding="utf-8"))
        sent = frozenset(blobs_sent(self._dtr) - before)
        self.pulls.append(_pull(account, image, told, sent))
        return self.pulls[-1]

    def _options(self, account: str, image: str, result: Path) -> dict[str, str]:
        return {
            "dtr_url": self._dtr.url,
            "account": account,
            "password": PASSWORDS[account],
            "ca_path": str(self._dtr.ca_path),
            "cache_ca_path": str(self._office_ca),
            "image": image,
            "expect_cache": self._office[REGION_OF[account]].url,
            "result": str(result),
        }


def _pull(account: str, image: str, told: Mapping, sent: frozenset[str]) -> Pull:
    blobs = tuple(
        Blob(one["digest"], one["bytes"], one["served_by"], one["cache_status"], one["seconds"])
        for one in told.get("blobs", [])
    )
    seconds = float(told.get("totals", {}).get("seconds", 0.0))
    return Pull(account, image, not told["denied"], seconds, str(told["msg"]), blobs, sent)


def blobs_sent(dtr: RunningSimulator) -> Counter[str]:
    """How often DTR sent each blob out, to whomever; a redirect sends nothing."""
    return Counter(
        record["path"].rpartition("/")[2]
        for record in dtr.requests(method="GET")
        if "/blobs/sha256:" in record["path"] and record["status"] in (200, 206)
    )


def expect(pull: Pull, *, step: str, hits: int, misses: int, from_dtr: int, logs: list[Path]) -> None:
    """Raise StepFailed unless the pull went as the story needs it."""
    hit = sum(blob.hit for blob in pull.blobs)
    found = (hit, len(pull.blobs) - hit, len(pull.from_dtr))
    if not pull.allowed or found != (hits, misses, from_dtr):
        counts = "{} hits, {} misses, {} blobs from DTR"
        wanted = counts.format(hits, misses, from_dtr)
        raise StepFailed(step, f"found {counts.format(*found)}; wanted {wanted}. {pull.message}", logs)


def tell(pull: Pull, offices: list[Office]) -> None:
    """The pull's lines: one for each blob."""
    name_of = {office.url: office.region for office in offices}
    where = REGION_OF[pull.account]
    if not pull.allowed:
        say(f"    {pull.account} ({where})  {pull.image}  REFUSED")
        say(f"    {pull.message}")
        return
    size = sum(blob.bytes for blob in pull.blobs)
    say(f"    {pull.account} ({where})  {pull.image}  {size / 1e6:.1f} MB in {pull.seconds:.2f} s")
    say(f"    {'blob':<14}{'size':>11}   {'answered by':<13}{'':<32}{'seconds':>8}")
    for blob in pull.blobs:
        by = name_of.get(blob.served_by, blob.served_by)
        say(f"    {blob.digest[7:19]:<14}{blob.bytes / 1e6:>8.2f} MB   {by:<13}{_way(blob, by, pull, offices):<32}"
            f"{blob.seconds:>8.2f}")


def _way(blob: Blob, by: str, pull: Pull, offices: list[Office]) -> str:
    if blob.hit:
        return "hit"
    parent = next((office.parent for office in offices if office.region == by), "")
    if blob.digest not in pull.from_dtr:
        return f"miss, came from {parent or 'nowhere known'}"
    return f"miss, came through {parent} from DTR" if parent else "miss, came from DTR"


def elapsed(since: float) -> str:
    return f"{time.monotonic() - since:.0f} s"


def cache_logs(home: Path, offices: list[Office]) -> list[Path]:
    """Where each cache writes."""
    return [home / office.region / "cache.log" for office in offices if os.path.isdir(home / office.region)]
