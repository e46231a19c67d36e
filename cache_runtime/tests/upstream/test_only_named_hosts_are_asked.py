"""Where an upstream's answer may lead, row by row: nowhere but to the hosts that the operator named, over TLS once TLS,
and with nothing that belongs to the upstream. Every connection that the cache opens is on record, so that a row needs
no host of its own to be caught, and none outside this process is ever reached."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from doubles.upstream import Answering, Upstream
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.challenge import may_pass_on
from dtr_content_cache.upstream.connection import Connection
from dtr_content_cache.upstream.exchange import Exchanges
from dtr_content_cache.upstream.response_head import HopFailed

NAMED = ("storage.test", "storage.test:8443", "[2001:db8::5]:443")
CANARY = "canary-f3a1"
CONTEXT = ssl.create_default_context()

# What a redirect may say; PORT is the upstream's own, so that a leak to this machine would even be answered.
NOT_NAMED = (
    "http://127.0.0.1:PORT/v2/",
    "http://127.0.0.2:PORT/v2/",
    "http://localhost:PORT/v2/",
    "http://localhost.localdomain:PORT/v2/",
    "http://[::1]:PORT/v2/",
    "http://[::ffff:127.0.0.1]:PORT/v2/",
    "http://[0:0:0:0:0:0:0:1]:PORT/v2/",
    "http://[::]:PORT/v2/",
    "http://0.0.0.0:PORT/v2/",
    "http://0:PORT/v2/",
    "http://127.1:PORT/v2/",
    "http://0x7f.1:PORT/v2/",
    "http://0x7f000001:PORT/v2/",
    "http://0177.0.0.1:PORT/v2/",
    "http://2130706433:PORT/v2/",
    "http://127.0.0.1.:PORT/v2/",
    "http://１２７.0.0.1:PORT/v2/",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://storage.test.evil.test/kept",
    "http://evilstorage.test/kept",
    "http://evil.test/storage.test",
    "http://evil.test?storage.test",
    "http://evil.test#storage.test",
    "http://evil.test\\@storage.test/kept",
    "http://storage.test\\.evil.test/kept",
    "http://storage.test@evil.test/kept",
    "http://evil.test@storage.test/kept",
    "http://user:password@storage.test/kept",
    "http://storage.test:80@evil.test/kept",
    "http://@storage.test/kept",
    "http://storage.test#fragment",
    "http://storage.test:0x50@evil.test/",
    "http://storage.test:99999/kept",
    "http://storage.test:-1/kept",
    "http://storage.test:8 443/kept",
    "http://storage.test%00.evil.test/kept",
    "http://storage.test%2eevil.test/kept",
    "http://storage%2etest/kept",
    "http://storage。test/kept",
    "http://*.test/kept",
    "http:///kept",
    "http:storage.test",
    "http://",
    "//127.0.0.1:PORT/v2/",
    "///127.0.0.1:PORT/v2/",
    "/v2/",
    "v2/",
    "?grant=x",
    "",
    "ftp://storage.test/kept",
    "file:///etc/passwd",
    "file://storage.test/etc/passwd",
    "gopher://storage.test:70/_GET",
    "dict://storage.test:11211/stat",
    "ldap://storage.test/",
    "ws://storage.test/",
    "unix:///var/run/docker.sock",
    "jar:http://storage.test!/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "http+unix://storage.test/",
    "https://[2001:db8::5/kept",
    "http://[storage.test]/kept",
    "http://storage.test/a b",
    "http://storage.test/\x01",
    "http://storage.test/\xff",
)
AUTHORITIES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "a grant": (f"?grant={CANARY}", ()),
    "a bearer token": ("", (("Authorization", f"Bearer {CANARY}"),)),
    "a password": ("", (("Authorization", f"Basic {CANARY}"),)),
}


class Opened:
    """Every connection that was wanted, as (scheme, host, port); only those to the upstream itself are made."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.wanted: list[tuple[str, str, int]] = []
        self._real = Connection.open

    def open(self, hop: Hop, *args: Any, **options: Any) -> Connection:
        self.wanted.append((hop.scheme, hop.host, hop.port))
        if len(self.wanted) > 1:
            raise HopFailed("a second connection")
        return self._real(hop, *args, **options)

    @property
    def elsewhere(self) -> list[tuple[str, str, int]]:
        return self.wanted[1:]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def opened(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Opened:
    opened = Opened(upstream)
    monkeypatch.setattr(Connection, "open", opened.open)
    return opened


def _ask(upstream: Upstream, location: str, status: int = 307, authority: str = "a grant") -> HopFailed | None:
    """What came of a blob that the upstream says lies at `location`."""

    def fault(answering: Answering) -> None:
        written = location.encode().decode("latin-1")  # the bytes as they are
        answering.head(f"{status} Elsewhere", Location=written, Content_Length=0)

    digest = upstream.add(b"kept elsewhere")
    upstream.always = fault
    query, headers = AUTHORITIES[authority]
    exchanges = Exchanges(lambda: CONTEXT, 5.0, NAMED)
    try:
        ask = Ask("GET", f"/v2/org/app/blobs/{digest}{query}", headers=headers, for_blob=True)
        exchanges.open(Hop("http", "127.0.0.1", upstream.port), ask).close()
    except HopFailed as failure:
        return failure
    finally:
        exchanges.forget_idle()
    return None


@pytest.mark.parametrize("authority", AUTHORITIES)
@pytest.mark.parametrize("location", NOT_NAMED)
def test_a_redirect_to_a_place_that_is_not_named_is_a_failure_and_nobody_is_asked(
    upstream: Upstream, opened: Opened, location: str, authority: str
) -> None:
    asked = len(upstream.asked)
    failure = _ask(upstream, location.replace("PORT", str(upstream.port)), authority=authority)

    assert failure is not None
    assert CANARY not in str(failure)
    assert opened.elsewhere == []
    assert len(upstream.asked) == asked + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("http://storage.test/kept", ("http", "storage.test", 80)),
        ("HTTP://STORAGE.test/kept?signature=theirs", ("http", "storage.test", 80)),
        ("https://storage.test/kept", ("https", "storage.test", 443)),
        ("https://storage.test:8443/kept", ("https", "storage.test", 8443)),
    ],
)
def test_a_redirect_to_a_named_place_leads_there_and_only_there(
    upstream: Upstream, opened: Opened, location: str, place: tuple[str, str, int], status: int
) -> None:
    _ask(upstream, location, status)

    assert opened.elsewhere == [place]


@pytest.mark.parametrize("status", [300, 304, 305, 306, 310])
def test_no_other_status_leads_anywhere(upstream: Upstream, opened: Opened, status: int) -> None:
    _ask(upstream, "http://storage.test/kept", status)

    assert opened.elsewhere == []


@pytest.mark.parametrize("ending", [b"\r", b"\n", b"\x00", b"\r\nX: y\r\n z"])
def test_a_header_that_is_split_by_what_a_redirect_says_is_no_answer(
    upstream: Upstream, opened: Opened, ending: bytes
) -> None:
    def fault(answering: Answering) -> None:
        location = b"Location: http://storage.test/" + ending + b"Host: evil.test"
        answering.sock.sendall(b"HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\n" + location + b"\r\n\r\n")

    digest = upstream.add(b"split")
    upstream.always = fault
    exchanges = Exchanges(lambda: CONTEXT, 5.0, NAMED)
    with pytest.raises(HopFailed, match="malformed"):
        exchanges.open(
            Hop("http", "127.0.0.1", upstream.port), Ask("GET", f"/v2/org/app/blobs/{digest}", for_blob=True)
        )

    assert opened.elsewhere == []


# -- the realm of a challenge: where a client would send its password --------------------------------------------------

DTR = Hop("https", "dtr.example.com", 443)
REFUSED_REALMS = (
    "http://dtr.example.com/auth/token",
    "https://evil.test/auth/token",
    "https://dtr.example.com.evil.test/token",
    "https://dtr.example.com@evil.test/token",
    "https://user@dtr.example.com/token",
    "https://@dtr.example.com/token",
    "https://dtr.example.com:8443/token",
    "https://dtr.example.com:99999/token",
    "https://127.0.0.1/token",
    "https://[::1]/token",
    "https://[::1/token",
    "https://169.254.169.254/latest/",
    "https://0x7f.1/token",
    "https:///token",
    "//dtr.example.com/token",
    "/auth/token",
    "dtr.example.com/token",
    "ftp://dtr.example.com/token",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "",
)
REFUSED_CHALLENGES = (
    'Bearer realm="https://dtr.example.com/token",realm="https://evil.test/token"',
    'Bearer realm="https://evil.test/token",Realm="https://dtr.example.com/token"',
    'Bearer realm="https://dtr.example.com/token\\" , x="https://evil.test"',
    "Bearer realm=https://dtr.example.com/token",
    'Bearer service="dtr"',
    "Bearer",
    'Negotiate realm="https://dtr.example.com/token"',
    'Digest realm="https://dtr.example.com/token"',
    'Bearer realm="https://dtr.example.com/token", Basic realm="x"',
    'Bearer realm="https://dtr.example.com/token"\r\nX: y',
    'Bearer realm="https://dtr.example.com/' + "x" * 3000 + '"',
    "",
)


@pytest.mark.parametrize("realm", REFUSED_REALMS)
def test_a_challenge_that_leads_a_password_elsewhere_is_not_passed_on(realm: str) -> None:
    assert not may_pass_on(f'Bearer realm="{realm}",service="dtr.example.com"', DTR, ("auth.example.com",))


@pytest.mark.parametrize("challenge", REFUSED_CHALLENGES)
def test_a_challenge_that_can_be_read_in_two_ways_is_not_passed_on(challenge: str) -> None:
    assert not may_pass_on(challenge, DTR, ("auth.example.com",))


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="https://dtr.example.com/auth/token",service="dtr.example.com"',
        'Bearer realm="https://DTR.example.com:443/auth/token"',
        'bearer realm="https://auth.example.com/token", service="x"',
        'Basic realm="dtr"',
    ],
)
def test_a_challenge_that_stays_with_the_upstream_or_a_named_host_is_passed_on(challenge: str) -> None:
    assert may_pass_on(challenge, DTR, ("auth.example.com",))


def test_over_plain_http_a_realm_may_be_plain_http_on_the_same_place_only() -> None:
    plain = Hop("http", "registry.example.com", 5000)

    assert may_pass_on('Bearer realm="http://registry.example.com:5000/token"', plain, ())
    assert not may_pass_on('Bearer realm="http://registry.example.com/token"', plain, ())


def test_the_table_has_at_least_sixty_rows() -> None:
    assert len(set(NOT_NAMED)) == len(NOT_NAMED) >= 60
