"""A reload whose Nth call on the configuration, a CA, the certificate or its key fails: the old state serves on, the
next reload is whole."""

from __future__ import annotations

import shutil
import signal
import ssl
import subprocess
import time

from doubles.certificates import Authority
from doubles.running_cache import eventually

from ..campaign import CannotRun, Found
from ..traffic import target
from .one_cache import OneCache

_CALLS = ("openat", "read", "newfstatat", "lseek")
_ERRORS = ("EIO", "EMFILE", "EACCES", "EINTR", "ENOENT", "ENOMEM")
_NTH = 16  # more than a reload makes of any one of them
_STRIDE = 37


class FailingReloads(OneCache):
    name = "failing reloads"
    promise = (
        "A reload whose Nth call on the configuration, a CA, the certificate or its key fails changes nothing or "
        "everything, and says so; the next one takes up what was new"
    )
    unit = "reload with a call that fails"
    ci, full = 10, len(_CALLS) * len(_ERRORS) * _NTH
    blobs, largest = 2, 200_000

    def begin(self) -> None:
        if shutil.which("strace") is None:
            raise CannotRun("strace is not installed")
        super().begin()
        self._ca = self.place / "ca.pem"
        self._ca.write_bytes(Authority("one").pem)
        self.cache.options["cas"] = [str(self._ca)]
        self._pair = Authority("one").issue(self.place, "127.0.0.1")
        self.cache.config["http"]["tls"] = {"certificate": str(self._pair[0]), "key": str(self._pair[1])}
        self.begin_life()

    def cycle(self, seed: str) -> Found:
        found, number = Found(), int(seed.rpartition(":")[2]) * _STRIDE % self.full
        call, error = _CALLS[number % len(_CALLS)], _ERRORS[number // len(_CALLS) % len(_ERRORS)]
        nth = number // (len(_CALLS) * len(_ERRORS)) + 1
        case = f"{error} at the {nth}. {call}"
        authority = Authority(case)
        self._ca.write_bytes(authority.pem)
        authority.issue(self.place, "127.0.0.1")
        self.cache.options["blobttl"] = f"{1000 + number}h"
        self.cache.write_config()
        found.count("faults met", self._reload_under(f"{call}:error={error}:when={nth}", found, case))
        self._serves(found, case)
        self._reload(found, case)
        self._serves(found, case)
        for what in ("configuration", "authorities"):
            last = [line for line in self.cache.said(10_000).splitlines() if what in line and "level=" in line][-1:]
            old = "in use" in "".join(last)
            found.expect(not old, f"{case}: the next reload did not take up the new {what}: {last}")
        shown = ssl.get_server_certificate(("127.0.0.1", self.cache.port), timeout=10)
        new = shown.split() == self._pair[0].read_text(encoding="ascii").split()
        found.expect(new, f"{case}: the next reload did not take up the new certificate: {self.cache.said(10)}")
        found.expect(self.cache.tracebacks() == 0, f"{case}: a traceback: {self.cache.said(40)}")
        return found

    def _reload_under(self, fault: str, found: Found, case: str) -> bool:
        """Reload while strace makes a call on one of the files fail; whether it came to that."""
        said = self.place / "strace"
        said.unlink(missing_ok=True)
        paths = [option for path in (self.cache.config_path, self._ca, *self._pair) for option in ("-P", str(path))]
        calls = ",".join(_CALLS)
        command = ["strace", "-f", "-p", str(self.cache.process), *paths, "-e", f"trace={calls}", "-o", str(said)]
        watcher = subprocess.Popen([*command, "-e", f"inject={fault}"], stderr=subprocess.PIPE, text=True)
        assert watcher.stderr is not None
        try:
            if "attached" not in watcher.stderr.readline():
                found.broken.append(f"{case}: strace could not attach")
                return False
            self._reload(found, case)
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.wait(10)
            watcher.stderr.close()
        return said.exists() and "INJECTED" in said.read_text(encoding="utf-8", errors="replace")

    def _reload(self, found: Found, case: str) -> None:
        """SIGHUP, and until the cache has said what came of it."""
        before = self._told()
        self.cache.signal(signal.SIGHUP)
        try:
            eventually(lambda: self._told() > before, 10)
        except AssertionError:
            found.broken.append(f"{case}: it says nothing about its reload: {self.cache.said(5)}")

    def _told(self) -> int:
        return sum("configuration" in line for line in self.cache.said(10_000).splitlines() if "level=" in line)

    def _serves(self, found: Found, case: str) -> None:
        began = time.monotonic()
        for digest in self.digests:
            try:
                status, body = self.cache.ask(target(self.upstream, digest))
            except OSError as error:
                found.broken.append(f"{case}: no service: {error!r}")
                continue
            found.count("pulls")
            found.expect(status == 200 and body == self.upstream.blobs[digest], f"{case}: {status} for {digest}")
        found.expect(time.monotonic() - began < 10, f"{case}: pulls took {time.monotonic() - began:.1f} s")
