"""One unmistakable word in each secret that passes through a cache, then everything that a cache says or shows is read:
logs at their most talkative, answers, metrics, health, the process list, what it keeps on the volume."""

from __future__ import annotations

import base64
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml
from doubles.forward_proxy import ForwardProxy
from doubles.ports import free_port
from doubles.running_cache import RunningCache, eventually, running_cache, simple_config
from doubles.upstream import Upstream, cut_after, status, wrong_byte
from doubles.volume import files_below

BLOB = random.Random(71).randbytes(700_000)
PROXY, TOKEN, PASSWORD, COOKIE = "canary-proxy-71", "canary-token-71", "canary-password-71", "canary-cookie-71"
HTTP_SECRET, REDIS, HEADER = "canary-http-secret-71", "canary-redis-71", "canary-header-71"
CREDENTIALS = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"session={COOKIE}"}


@dataclass
class Told:
    """What was said and shown, by where."""

    places: dict[str, str]

    def holding(self, *secrets: str) -> dict[str, list[str]]:
        wanted = [*secrets, *(base64.b64encode(f"office:{secret}".encode()).decode() for secret in secrets)]
        found = {place: [word for word in wanted if word in text] for place, text in self.places.items()}
        return {place: words for place, words in found.items() if words}


def everything(cache: RunningCache, answers: list[requests.Response]) -> Told:
    debug = f"http://{cache.config['http']['debug']['addr']}"
    shown = {path: requests.get(debug + path, timeout=10) for path in ("/debug/health", "/debug/ready", "/metrics")}
    eventually(lambda: cache.access_log.count("\n") >= len(answers) / 2)
    places = {f"{path}": f"{answer.headers}{answer.text}" for path, answer in shown.items()}
    places |= {f"answer {number}": f"{one.headers}{one.text}" for number, one in enumerate(answers)}
    places |= {str(path): data.decode("latin-1") for path, data in files_below(cache.root).items()}
    arguments = Path(f"/proc/{cache.process.pid}/cmdline").read_text()
    return Told(places | {"log": cache.said, "access log": cache.access_log, "process list": arguments})


@pytest.fixture(params=["grant", "upstream"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RunningCache, Upstream]]:
    with Upstream() as upstream, ForwardProxy(upstream.port, f"office:{PROXY}") as proxy:
        http = {
            "secret": HTTP_SECRET,
            "headers": {"X-Content-Type-Options": ["nosniff"]},
            "debug": {"addr": f"127.0.0.1:{free_port()}", "prometheus": {"enabled": True}},
        }
        with running_cache(
            tmp_path,
            [f"http://dtr.example.test:{upstream.port}"],
            environ={"http_proxy": f"http://office:{PROXY}@{proxy.place}"},
            http=http,
            sections={"redis": {"addr": "127.0.0.1:1", "password": REDIS}},
            authorization=request.param,
            stalltimeout="1s",
        ) as cache:
            yield cache, upstream


def ask(cache: RunningCache, path: str, **headers: str) -> requests.Response:
    sent = CREDENTIALS | headers
    return cache.session.get(cache.url + path, headers=sent, timeout=30)


def test_whatever_happens_no_secret_is_told_or_kept(office: tuple[RunningCache, Upstream]) -> None:
    cache, upstream = office
    first, second, lying, unknown = (upstream.add(BLOB[number:]) for number in range(4))
    del upstream.blobs[unknown]
    grants = {digest: upstream.grant(digest) for digest in (first, second, lying, unknown)}
    paths = {digest: f"/v2/org/app/blobs/{digest}?grant={grant}" for digest, grant in grants.items()}
    upstream.faults = [cut_after(200_000), None, status("500 Broken"), status("401 No"), status("403 No")]
    upstream.always_of[lying] = wrong_byte(9)
    other = upstream.grant(second, account=f"eve-{'x' * 300}")
    basic = "Basic " + base64.b64encode(f"office:{PASSWORD}".encode()).decode()
    eventually(lambda: ask(cache, paths[first]).status_code == 200, 20)

    answers = [ask(cache, paths[digest]) for digest in (first, first, second, unknown)]
    answers += [ask(cache, paths[first], Authorization=basic)]
    answers += [ask(cache, f"/v2/org/{where}?grant={grants[first]}") for where in ("app/manifests/1", "other/blobs/x")]
    answers += [ask(cache, f"/v2/org/app/blobs/{first}?grant={grant}") for grant in (other, grants[second], TOKEN, "")]
    answers += [ask(cache, f"/v2/org/app/blobs/{first}?{TOKEN}=1&grant={grants[first]}&grant={grants[second]}")]
    try:
        answers += [ask(cache, paths[lying])]
    except requests.RequestException:
        pass  # broken off, as it should where bytes have been sent already
    _send_nonsense(cache, grants[first])
    upstream.always = status("503 Busy", Retry_After=3600)
    answers += [ask(cache, paths[unknown])]

    signatures = [part for grant in (*grants.values(), other) for part in grant.split(".")[1:]]
    told = everything(cache, answers)
    assert told.holding(PROXY, TOKEN, PASSWORD, COOKIE, HTTP_SECRET, REDIS, *signatures) == {}
    assert {answer.status_code for answer in answers} >= {200, 404}
    assert "Traceback" not in cache.said


def _send_nonsense(cache: RunningCache, grant: str) -> None:
    """Requests that are refused before anybody has understood them."""
    address = ("127.0.0.1", int(cache.url.rpartition(":")[2]))
    for head in (
        f"GET /v2/?grant={grant} HTTP/9.9\r\n\r\n",
        f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {TOKEN}\r\n\r\n",
        f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\x00\r\n\r\n",
        f"{TOKEN} / HTTP/1.1\r\n\r\n",
        f"GET /{TOKEN * 9000} HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(address, 5) as sock:
            try:
                sock.sendall(head.encode())
                answer = sock.recv(65_536)
            except ConnectionError:
                continue  # refused while still talking
            assert TOKEN.encode() not in answer
            assert grant.encode() not in answer


def test_a_refused_configuration_shows_none_of_its_secrets(tmp_path: Path) -> None:
    config = simple_config(tmp_path / "volume", [f"https://user:{PASSWORD}@dtr.example.com"], blobttl="nonsense")
    config["http"] |= {"secret": HTTP_SECRET, "headers": {"X-Key": HEADER}, "tls": {"key": f"/{TOKEN}\n"}}
    config["redis"] = {"password": REDIS, "unknown": REDIS}
    config["notifications"] = {"endpoints": [{"headers": {"Authorization": [f"Bearer {TOKEN}"]}}]}
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")

    command = [sys.executable, "-m", "dtr_content_cache", "--check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert Told({"check": done.stdout + done.stderr}).holding(PASSWORD, HTTP_SECRET, REDIS, HEADER) == {}
