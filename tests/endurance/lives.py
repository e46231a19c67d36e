"""The lives of one cache on one volume: born, killed, frozen, born again. Owns its processes and its configuration."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import yaml
from doubles.ports import free_port
from doubles.running_cache import eventually, simple_config

from .inside import change_path


class Nursery:
    """Where caches are born. `by`: the words of a command that runs it, as `setpriv …`."""

    def __init__(self, by: tuple[str, ...] = (), group: Path | None = None) -> None:
        """`group`: the control group that it and all its caches live in, from their first page of memory on."""
        self._process = subprocess.Popen(
            [*by, sys.executable, "-m", "endurance.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=group and (lambda: _enter(group)),
        )
        self._read()

    def bear(
        self,
        config: Path,
        log: Path,
        without: str,
        fault: dict[str, Any],
        watched: str = "",
        *,
        waits: bool = False,
    ) -> int:
        """The process number of a new cache; `fault` is what failing.py makes go wrong in it, `watched` the file in
        which phases.py notes what it is doing. `waits`: it has stopped itself until SIGCONT, before its first call."""
        assert self._process.stdin is not None
        order = {"config": str(config), "log": str(log), "without": without, "fault": fault, "watched": watched}
        order |= {"waits": waits}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the nursery ended")
        return line

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text("0", encoding="ascii")


class Cache:
    """`volume` outlives `process`, which is None between two lives. `without`: crippled in each (cripples.py)."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        upstreams: list[str],
        *,
        without: str = "",
        volume: Path | None = None,
        **options: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.volume = volume or folder / "volume"
        self.log = folder / "log"
        self.process: int | None = None
        self.fault: dict[str, Any] = {}  # of the lives that begin from now on
        self.watched = ""  # as Nursery.bear has it
        self._nursery = nursery
        self.without = without
        self.config_path = folder / "config.yml"
        self.config = simple_config(self.volume, upstreams, **options)
        self.write_config()

    @property
    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = self.config["middleware"]["registry"][0]["options"]
        return found

    @property
    def port(self) -> int:
        return int(self.config["http"]["addr"].rpartition(":")[2])

    @property
    def url(self) -> str:
        return f"http://{self.config['http']['addr']}"

    def write_config(self) -> None:
        self.config_path.write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def start(self) -> None:
        """Begin a life, on a port of its own; `listens` tells when it serves."""
        self.renew_port()
        self.process = self._nursery.bear(self.config_path, self.log, self.without, self.fault, self.watched)

    def renew_port(self) -> None:
        self.config["http"]["addr"] = f"127.0.0.1:{free_port()}"
        self.write_config()
        self.log.unlink(missing_ok=True)

    def listens(self, within_s: float = 10.0) -> bool:
        """Wait until it answers and knows DTR's keys, or asks the upstream; False if it died or took longer."""
        no = 404 if self.options.get("authorization") == "upstream" else 403
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.alive():
            try:
                status, _ = self.ask(f"/v2/org/app/blobs/sha256:{'0' * 64}?grant=none")
            except OSError:
                status = 0
            if status == no:
                return True
            time.sleep(0.005)
        return False

    def ask(self, target: str, headers: Mapping[str, str] | None = None, timeout_s: float = 20.0) -> tuple[int, bytes]:
        """(status, body) of a complete answer. Raise OSError where none came or it did not end as it said."""
        connection = self.connection(timeout_s)
        try:
            connection.request("GET", target, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """Over TLS where it serves TLS; whose certificate it shows is for others to judge."""
        if "tls" not in self.config["http"]:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=anybody)

    def alive(self) -> bool:
        if self.process is None:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        return True

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            try:
                os.kill(self.process, number)
            except ProcessLookupError:
                pass

    def change(self, **what: float | None) -> None:
        """What inside.py can change in this life, from now on."""
        path = change_path(self.log)
        path.write_text(json.dumps(what), encoding="ascii")
        self.signal(signal.SIGUSR1)
        eventually(lambda: not path.exists() or not self.alive())

    def kill(self) -> None:
        """End the life at once and wait until it is over."""
        self.signal(signal.SIGKILL)
        while self.alive():
            time.sleep(0.001)
        self.process = None

    def said(self, last: int = 15) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-last:])

    def tracebacks(self) -> int:
        """How often a traceback stands in this life's log."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("Traceback") if self.log.exists() else 0

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process}/fd"))

    def resident_bytes(self) -> int:
        """Of memory."""
        pages = Path(f"/proc/{self.process}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    # -- its volume ---------------------------------------------------------------------------------------------

    def stored(self, digest: str) -> Path:
        hexadecimal = digest.removeprefix("sha256:")
        return self.volume / "docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"

    def noted_s(self, digests: list[str]) -> dict[str, float]:
        """When each of those that lie there was last pulled, as the volume says."""
        lying = [digest for digest in digests if self.stored(digest).exists()]
        return {digest: self.stored(digest).parent.stat().st_mtime for digest in lying}

    def unfinished(self) -> set[str]:
        return {path.name for path in (self.volume / "content-cache/unfinished").glob("*")}


def blobs_on(volume: Path, but: Container[str] = ()) -> tuple[int, list[str]]:
    """(number of blobs under a final name, the digests of those whose bytes do not hash to it), without those of `but`,
    each 64 hexadecimal digits."""
    found = [
        path for path in (volume / "docker/registry/v2/blobs/sha256").glob("*/*/data") if path.parent.name not in but
    ]
    wrong = [path.parent.name for path in found if hashlib.sha256(path.read_bytes()).hexdigest() != path.parent.name]
    return len(found), wrong
