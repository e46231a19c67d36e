"""A whole cache in a process of its own, as it runs in an office: real configuration, real sockets, real signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from .ports import free_port
from .volume import wrong_blobs

_ACCESS = re.compile(
    r'"(?P<method>\w+) (?P<target>\S+) HTTP/1.1" (?P<status>\d+) (?P<bytes>\d+) .* cache=(?P<cache>\S+)'
)


def eventually(condition: Callable[[], Any], within_s: float = 10.0) -> Any:
    """The first true value of `condition`; fail when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:.0f}s: {condition}")
        time.sleep(0.01)


class Cache:
    """What a test may ask of a cache, wherever it runs: `url` to ask, `root` the volume."""

    url: str
    root: Path
    session: requests.Session

    def get(self, digest: str, grant: str, *, repository: str = "org/app", method: str = "GET", **options: Any) -> Any:
        """A requests.Response; its body is read unless stream=True."""
        url = f"{self.url}/v2/{repository}/blobs/{digest}?grant={grant}"
        options.setdefault("timeout", 30)
        return self.session.request(method, url, **options)

    def stored(self, digest: str) -> Path:
        hex_digits = digest.removeprefix("sha256:")
        return self.root / "docker/registry/v2/blobs/sha256" / hex_digits[:2] / hex_digits / "data"

    def is_stored(self, digest: str) -> bool:
        return self.stored(digest).exists()

    def wrong_blobs(self) -> list[Path]:
        """Files under a blob's name whose bytes do not hash to it: there must never be one that a client got."""
        return wrong_blobs(self.root)

    def unfinished(self) -> list[Path]:
        return list((self.root / "content-cache/unfinished").glob("*"))


class RunningCache(Cache):
    """`process` is the program, `said` its log so far, `accesses` its access log."""

    def __init__(self, folder: Path, config: dict[str, Any], environ: dict[str, str]) -> None:
        self.config_path = folder / "config.yml"
        self.config = config
        self.root = Path(config["storage"]["filesystem"]["rootdirectory"])
        self._environ = {**os.environ, **environ}
        self.write_config()
        self.session = requests.Session()
        self.session.trust_env = False

    def write_config(self) -> None:
        self.config_path.write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def start(self) -> RunningCache:
        self.said = ""
        self.access_log = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dtr_content_cache", str(self.config_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environ,
        )
        for stream, name in ((self.process.stderr, "said"), (self.process.stdout, "access_log")):
            threading.Thread(target=self._follow, args=(stream, name), daemon=True).start()
        eventually(lambda: "listening on " in self.said or self.process.poll() is not None, 20)
        if self.process.poll() is not None:
            time.sleep(0.2)
            raise AssertionError(f"the cache did not start:\n{self.said}")
        http = self.config["http"]
        self.url = f"{'https' if 'tls' in http else 'http'}://{http['addr']}"
        return self

    def _follow(self, stream: Any, name: str) -> None:
        for line in stream:
            setattr(self, name, getattr(self, name) + line)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    @property
    def accesses(self) -> list[dict[str, str]]:
        return [match.groupdict() for match in map(_ACCESS.search, self.access_log.splitlines()) if match]


def simple_config(root: Path, upstreams: list[str], **options: Any) -> dict[str, Any]:
    """The seed's configuration on a free port, with `options` added to the middleware's; None leaves one out."""
    wanted = {"blobttl": "24h", "upstreams": upstreams, **options}
    given = {name: value for name, value in wanted.items() if value is not None}
    middleware = {"name": "downstream", "options": given}
    return {
        "version": 0.1,
        "log": {"level": "debug"},
        "storage": {"delete": {"enabled": True}, "filesystem": {"rootdirectory": str(root)}},
        "http": {"addr": f"127.0.0.1:{free_port()}"},
        "middleware": {"registry": [middleware]},
    }


@contextmanager
def running_cache(
    folder: Path,
    upstreams: list[str],
    *,
    environ: dict[str, str] | None = None,
    http: dict[str, Any] | None = None,
    storage: dict[str, Any] | None = None,
    sections: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[RunningCache]:
    """A cache in `folder` while the context lasts; `http` and `storage` are merged into those sections, `sections`
    are further ones, `options` the middleware's."""
    folder.mkdir(parents=True, exist_ok=True)
    config = simple_config(folder / "volume", upstreams, **options)
    config["http"].update(http or {})
    config["storage"].update(storage or {})
    config.update(sections or {})
    cache = RunningCache(folder, config, environ or {}).start()
    try:
        yield cache
    finally:
        if cache.process.poll() is None:
            cache.kill()
        cache.session.close()
