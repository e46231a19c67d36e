"""An upstream over TLS whose answers lead elsewhere: nobody is asked over plain HTTP, or without being named, and the
one who is named and speaks TLS hears nothing that belongs to the upstream, its clients or the configuration."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests
from doubles.accepting import accepted
from doubles.certificates import Authority, plain_server
from doubles.forward_proxy import ForwardProxy
from doubles.inner_cache import InnerCache, inner_cache
from doubles.upstream import Answering, Upstream
from dtr_content_cache.delivery import attempts

PASSWORD, COOKIE, PROXY = "canary-password-83", "canary-cookie-83", "office:canary-proxy-83"
BASIC = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
SECRETS = (BASIC, PASSWORD, COOKIE, PROXY, base64.b64encode(PROXY.encode()).decode(), "grant=", "authorization")


class Canary:
    """Listens, answers nothing; `callers` are the ports of this machine that anybody came from."""

    def __init__(self) -> None:
        self.callers: list[int] = []
        self._came = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for sock in accepted(self._listener):
            with sock, self._came:
                self.callers.append(sock.getpeername()[1])
                self._came.notify_all()

    def callers_before(self) -> int:
        """How many came since the last look: they are taken in the order in which they came, this look's own last."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            port = own.getsockname()[1]
            with self._came:
                assert self._came.wait_for(lambda: port in self.callers, 30)
                count = self.callers.index(port)
                self.callers.clear()
        return count

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass
class Office:
    """`upstream` is reached by a proxy that wants a password; `storage` is named and speaks TLS; `plain` is named, too,
    and `stranger`, which nobody named, is where TLS is spoken of."""

    cache: InnerCache
    upstream: Upstream
    storage: Upstream
    proxy: ForwardProxy
    plain: Canary
    stranger: Canary

    def ask(self, digest: str) -> requests.Response:
        url = f"{self.cache.url}/v2/org/app/blobs/{digest}?grant={self.upstream.grant(digest)}"
        headers = {"Authorization": f"Basic {BASIC}", "Cookie": f"session={COOKIE}"}
        return self.cache.session.get(url, headers=headers, timeout=30)


@pytest.fixture(scope="module", params=["grant", "upstream"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder, authority = tmp_path_factory.mktemp("office"), Authority("office")
    (folder / "ca.pem").write_bytes(authority.pem)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
        upstream = stack.enter_context(Upstream(plain_server(*authority.issue(folder))))
        here = plain_server(*authority.issue(folder, "127.0.0.1", name="storage"))
        storage = stack.enter_context(Upstream(here))
        proxy = stack.enter_context(ForwardProxy(upstream.port, PROXY))
        patch.setenv("https_proxy", f"http://{PROXY}@{proxy.place}")
        plain, stranger = Canary(), Canary()
        stack.callback(plain.stop)
        stack.callback(stranger.stop)
        cache = stack.enter_context(
            inner_cache(
                folder / "cache",
                [f"https://dtr.test:{upstream.port}"],
                authorization=request.param,
                cas=[str(folder / "ca.pem")],
                redirecthosts=[f"127.0.0.1:{storage.port}", f"127.0.0.1:{plain.port}", "named.test"],
            )
        )
        yield Office(cache, upstream, storage, proxy, plain, stranger)


def leads_to(location: str, status: int = 307) -> Callable[[Answering], None]:
    return lambda answering: answering.head(f"{status} Elsewhere", Location=location, Content_Length=0)


PLACES = (
    "http://127.0.0.1:{plain}/kept",
    "HTTP://127.0.0.1:{plain}/kept?signature=theirs",
    "http://127.0.0.1:{stranger}/kept",
    "http://localhost:{stranger}/kept",
    "http://2130706433:{stranger}/kept",
    "https://127.0.0.1:{stranger}/kept",
    "https://localhost:{plain}/kept",
    "https://named.test@127.0.0.1:{stranger}/kept",
    "https://elsewhere.test/kept",
    "http://named.test/kept",
    "//127.0.0.1:{plain}/kept",
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", PLACES)
def test_nobody_is_asked_over_plain_http_or_without_being_named(office: Office, place: str, status: int) -> None:
    digest = office.upstream.add(f"kept at {place}, {status}".encode())
    location = place.format(plain=office.plain.port, stranger=office.stranger.port)
    office.upstream.always_of[digest] = leads_to(location, status)

    answer = office.ask(digest)

    assert answer.status_code == 503
    assert office.upstream.asked[-1].path.endswith(digest)
    assert (office.plain.callers_before(), office.stranger.callers_before()) == (0, 0)
    assert {line.split()[1] for line in office.proxy.asked} == {f"dtr.test:{office.upstream.port}"}


def test_a_named_host_that_leads_on_to_plain_http_is_the_end_of_the_way(office: Office) -> None:
    digest = office.upstream.add(b"kept further on")
    office.storage.blobs[digest] = b"kept further on"
    office.storage.always_of[digest] = leads_to(f"http://127.0.0.1:{office.plain.port}/kept")
    office.upstream.always_of[digest] = leads_to(f"https://127.0.0.1:{office.storage.port}/kept/{digest}")

    assert office.ask(digest).status_code == 503
    assert office.storage.asked[-1].path == f"/kept/{digest}"
    assert office.plain.callers_before() == 0


def test_a_named_host_over_tls_serves_the_blob_and_hears_no_secret(office: Office) -> None:
    digest = office.upstream.add(b"kept by the storage")
    office.storage.blobs[digest] = b"kept by the storage"
    office.upstream.always_of[digest] = leads_to(f"https://127.0.0.1:{office.storage.port}/kept/{digest}?theirs=x")

    assert office.ask(digest).content == b"kept by the storage"
    heard = office.storage.asked[-1]
    assert (heard.path, heard.query) == (f"/kept/{digest}", "theirs=x")
    for asked in office.storage.asked:
        said = f"{asked.path}?{asked.query} {asked.headers}".lower()
        assert not [secret for secret in SECRETS if secret.lower() in said]
