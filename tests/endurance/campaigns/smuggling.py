"""Two requests in one, alone and behind nginx: cache and proxy see the same requests, in number and one by one.

Each payload is a request A with something odd about where it ends, and mostly a request B hidden in what may be A's
body: each known technique by name, and some made up by chance (smuggled/). Both carry a good
grant for the blob that they name, and a number in the repository's name: so the logs of the proxy and of the cache and
the line between them (tap.py) tell who took what for a request.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from doubles.ports import free_port
from doubles.running_cache import eventually

from ..campaign import CannotRun, Found, number_of
from ..smuggled import TABLE, by_chance
from ..tap import Asked, Heard, Tap, split_answers, split_requests
from ..traffic import target
from .one_cache import OneCache

_NAMED, _BY_CHANCE = 16, 4  # in each cycle, each of them alone and behind nginx
_PAYLOADS = 2 * (_NAMED + _BY_CHANCE)
ROUND = -(-len(TABLE) // _NAMED)  # cycles that the whole table takes
_HANG_S = 20.0
_SETTLED_S, _SETTLED_WHERE_BROKEN_S = 10.0, 0.5
_NOTHING_COMES_S = 0.05
_NO_REQUEST = (400, 431, 505)  # the cache says so where it finds no head, and no line in its log
_ANSWERED = re.compile(r'"([A-Z]{1,20}) (\S+) HTTP/1\.[01]" ([0-9]{3}) ')
_NUMBER = re.compile(r"/v2/(one|two|end)/n([0-9a-f]{16})/")

Answered = tuple[str, str, int]  # method, path without the query, status


@dataclass(frozen=True, slots=True)
class Payload:
    """`answers`: how many come where the cache is asked alone, `statuses` theirs where they are known. `gives_both`: B
    is a request of its own, by RFC 9112."""

    name: str
    sent: bytes
    answers: int
    gives_both: bool
    statuses: list[int] | None = None


def named_of_cycle(number: int) -> list[str]:
    """The payloads of the table that this cycle sends."""
    names = list(TABLE)
    return [names[at % len(names)] for at in range(number * _NAMED, (number + 1) * _NAMED)]


def ask_alone(port: int, payload: Payload, cut: int) -> tuple[list[int], bytes]:
    """(statuses of the answers, all that came). Sends in two pieces, the first of `cut` bytes; waits for as many
    answers as are due, then says that nothing follows. What is not a whole answer counts as one of status 0."""
    methods = [request.method for request in split_requests(payload.sent)[0]]
    data = b""
    with socket.create_connection(("127.0.0.1", port), _HANG_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (payload.sent[:cut], payload.sent[cut:]):
            sock.sendall(piece)
        sock.settimeout(_HANG_S if payload.answers else _NOTHING_COMES_S)
        while len(split_answers(data, methods)[0]) < max(1, payload.answers) and (more := _read(sock)):
            data += more
        sock.settimeout(_HANG_S)
        if b"\r\nConnection: close\r\n" not in data:
            _say_the_end(sock)
        while more := _read(sock):
            data += more
    statuses, rest = split_answers(data, methods)
    return statuses + ([0] if rest else []), data


def ask_nginx(port: int, sent: bytes) -> bytes | None:
    """All that came until it closed, None where it did not."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), _HANG_S) as sock:
        try:
            sock.sendall(sent)
            _say_the_end(sock)
            while more := sock.recv(65536):
                data += more
        except TimeoutError:
            return None
        except OSError:
            pass
    return data


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except OSError:
        return b""


def _say_the_end(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Log:
    """What is written to a log from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._from = path, path.stat().st_size if path.exists() else 0

    def text(self) -> str:
        with self._path.open("rb") as file:
            file.seek(self._from)
            return file.read().decode("latin-1")


class Logs(NamedTuple):
    cache: Log
    nginx: Log


class Nginx:
    """A reverse proxy that keeps its connections to the cache, as people put one before it. It answers a client to the
    end that has said all it will say."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        if shutil.which("nginx") is None:
            raise CannotRun("nginx is not installed")
        self.port = free_port()
        self.log = folder / "nginx.log"
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;\n"
            "events { worker_connections 512; }\n"
            "http { log_format asked '$upstream_status|$status|$request_method|$request_uri';\n"
            f"access_log {self.log} asked; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
            f"upstream cache {{ server 127.0.0.1:{upstream_port}; keepalive 4; }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://cache;\n"
            "client_max_body_size 0; proxy_ignore_client_abort on;\n"
            'proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n'
        )
        self._process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
        eventually(self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def passed_on(log: str) -> Counter[Asked]:
    """The requests that nginx says it passed on."""
    lines = [line.split("|", 3) for line in log.splitlines()]
    return Counter(Asked(method, uri.partition("?")[0]) for status, _, method, uri in lines if status != "-")


def bad_gateways(log: str) -> list[str]:
    """Where nginx found no answer, or one that it could not read."""
    return [line for line in log.splitlines() if line.split("|", 3)[1] in ("502", "504")]


def answered(log: str) -> Counter[Answered]:
    """What the cache says it answered."""
    return Counter((method, path, int(status)) for method, path, status in _ANSWERED.findall(log))


def differences(heard: Iterable[Heard], proxy: Counter[Asked], cache: Counter[Answered]) -> list[str]:
    """Sentences on what nginx (`proxy`) and the cache take differently for a request, on all connections between."""
    lines, said = list(heard), []
    for line in lines:
        if not line.settled:
            said.append(f"{len(line.asked)} requests and {len(line.answers)} answers on a connection: {line}")
    between = Counter(_as_logged(asked) for line in lines for asked in line.asked)
    if between != proxy:
        said.append(f"nginx passed on and did not say: {between - proxy}, said and did not pass on: {proxy - between}")
    pairs = [pair for line in lines for pair in zip(line.asked, line.answers, strict=False)]
    exchanged = Counter((*_as_logged(asked), status) for asked, status in pairs)
    if smuggled := cache - exchanged:
        said.append(f"the cache took for a request what nginx did not: {smuggled}")
    if lost := [one for one in exchanged - cache if one[2] not in _NO_REQUEST]:
        said.append(f"nginx got answers to what the cache did not take for a request: {lost}")
    if broken := [one for one in exchanged if one[2] >= 500 and one[2] != 505]:
        said.append(f"5xx: {broken}")
    return said


def _as_logged(asked: Asked) -> Asked:
    return Asked(*(re.sub(r'[^!-~]|["\\]', lambda sign: f"\\x{ord(sign[0]):02X}", text) for text in asked))


def _names(numbers: set[str], payloads: dict[str, Payload]) -> list[str]:
    return sorted({payloads[number].name for number in numbers if number in payloads})


class Smuggling(OneCache):
    name = "smuggling"
    promise = (
        "However a request is framed, cache and proxy see the same requests, in number and one by one; alone the "
        "cache takes no body for a request, and answers at once, without a 5xx"
    )
    unit = f"set of {_PAYLOADS} payloads, alone and behind nginx"
    share = 2.0
    ci, full = ROUND, 25_000
    blobs, largest = 3, 40_000

    def begin(self) -> None:
        super().begin()
        self.begin_life()
        self._one, self._two = self.digests[1:3]
        for digest in (self._one, self._two):
            self.cache.ask(target(self.upstream, digest))
        self._flush("0" * 16, Log(self.cache.log))
        self._tap = Tap(self.cache.port)
        self._nginx = Nginx(self.place, self._tap.port)

    def end(self) -> None:
        if hasattr(self, "_nginx"):
            self._nginx.stop()
        if hasattr(self, "_tap"):
            self._tap.close()
        super().end()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        names = named_of_cycle(number_of(seed)) + [""] * _BY_CHANCE
        logs = Logs(Log(self.cache.log), Log(self._nginx.log))
        self._tap.forget()
        alone = self._payloads(names, chance)
        for payload in alone.values():
            self._ask_alone(payload, chance, found)
        behind = self._payloads(names, chance)
        shown = {number for number, payload in behind.items() if self._ask_nginx(payload, found)}
        self._flush(f"{chance.getrandbits(64):016x}", logs.cache)
        self._judge_alone(alone, logs, found)
        self._judge_between(alone, behind, logs, found)
        self._judge_shown(shown, behind, logs, found)
        found.count("payloads sent", len(alone) + len(behind))
        found.expect(self.cache.alive(), f"the cache ended: {self.cache.said()}")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _payloads(self, names: list[str], chance: random.Random) -> dict[str, Payload]:
        """By number."""
        numbers = [f"{chance.getrandbits(64):016x}" for _ in names]
        return {number: self._payload(name, number, chance) for name, number in zip(names, numbers, strict=True)}

    def _payload(self, name: str, number: str, chance: random.Random) -> Payload:
        """`name` in the table; "" for one by chance."""
        one, two = (self._target(which, number) for which in ("one", "two"))
        if name:
            known = TABLE[name]
            answers = list(known.answers)
            return Payload(name, known.written(one, two), len(answers), known.gives_both, answers)
        sent = by_chance.payload(chance, one, two)
        due, both = by_chance.answers_due(sent), by_chance.gives_both(sent)
        short = sent.replace(one.encode(), b"{one}").replace(two.encode(), b"{two}")
        return Payload(f"by chance, {short!r}", sent, due, both)

    def _target(self, which: str, number: str) -> str:
        digest, repository = self._two if which == "two" else self._one, f"{which}/n{number}"
        return f"/v2/{repository}/blobs/{digest}?grant={self.upstream.grant(digest, repository=repository)}"

    def _ask_alone(self, payload: Payload, chance: random.Random, found: Found) -> None:
        began, cut = time.monotonic(), chance.choice((0, chance.randrange(len(payload.sent))))
        statuses, data = ask_alone(self.cache.port, payload, cut)
        where = f"alone, {payload.name}"
        found.expect(len(statuses) == payload.answers, f"{where}: {payload.answers} answers are right, not {statuses}")
        found.expect(payload.statuses in (None, statuses), f"{where}: {payload.statuses} are right, not {statuses}")
        found.expect(all(status < 500 or status == 505 for status in statuses), f"{where}: {statuses}")
        shown = self.upstream.blobs[self._two] in data
        found.expect(shown <= payload.gives_both, f"{where}: the hidden request got its blob")
        found.expect(time.monotonic() - began < _HANG_S, f"{where}: {time.monotonic() - began:.1f} s")

    def _ask_nginx(self, payload: Payload, found: Found) -> bool:
        """Was the hidden request's blob in what came?"""
        data = ask_nginx(self._nginx.port, payload.sent)
        found.expect(data is not None, f"behind nginx, {payload.name}: no end within {_HANG_S:.0f} s")
        return self.upstream.blobs[self._two] in (data or b"")

    def _flush(self, number: str, log: Log) -> None:
        """Wait until the cache has logged a last request of ours."""
        self.cache.ask(self._target("end", number))
        eventually(lambda: f"/v2/end/n{number}/" in log.text())

    def _judge_alone(self, payloads: dict[str, Payload], logs: Logs, found: Found) -> None:
        for which, number in _NUMBER.findall(logs.cache.text()):
            if which == "two" and (payload := payloads.get(number)) is not None:
                found.expect(payload.gives_both, f"alone, {payload.name}: a body was taken for a request")

    def _judge_between(self, alone: dict[str, Payload], behind: dict[str, Payload], logs: Logs, found: Found) -> None:
        """What is still under way is waited for."""
        deadline = time.monotonic() + (_SETTLED_WHERE_BROKEN_S if found.broken else _SETTLED_S)
        while (said := self._differences(alone, logs)) and time.monotonic() < deadline:
            time.sleep(0.01)
        for one in said:
            numbers = {number for _, number in _NUMBER.findall(one)}
            found.expect(False, f"behind nginx, {_names(numbers, behind)}: {one}")

    def _judge_shown(self, shown: set[str], payloads: dict[str, Payload], logs: Logs, found: Found) -> None:
        seen = passed_on(logs.nginx.text())
        own = {number for asked in seen for which, number in _NUMBER.findall(asked.path) if which == "two"}
        found.expect(shown <= own, f"behind nginx, got what nginx did not ask for: {_names(shown - own, payloads)}")
        found.count("requests that nginx passed on", sum(seen.values()))

    def _differences(self, alone: dict[str, Payload], logs: Logs) -> list[str]:
        said, taken = logs.nginx.text(), answered(logs.cache.text())
        here = Counter({one: count for one, count in taken.items() if not self._is_elsewhere(one[1], alone)})
        return [
            *differences(self._tap.heard(), passed_on(said), here),
            *(f"nginx found no answer: {line}" for line in bad_gateways(said)),
        ]

    def _is_elsewhere(self, path: str, alone: dict[str, Payload]) -> bool:
        """Did we ask this without nginx?"""
        found = _NUMBER.search(path)
        return found is not None and (found[1] == "end" or found[2] in alone)
