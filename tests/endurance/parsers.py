"""Every reader of what strangers write, and the law that each keeps for any input: a value that is safe, or its own
refusal. Nothing else: no other exception, no half-understood value.

Owns the table (PARSERS): what is read, by whom, how it says no, a few good inputs to begin from. Who makes up the
inputs is not known here: any_input.py lets chance do it, guided.py lets the reader's own branches do it. Rule for
editors: a law is judged by other means than the reader's own, or it proves nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from doubles.clock import HandMovedClock
from doubles.gate import ADDRESS, DIGEST, NOW_S, Gate, claims, signer
from doubles.signing import discovery_document
from dtr_content_cache.admission import discovery_document as discovery
from dtr_content_cache.admission import grant
from dtr_content_cache.admission.base64url import encode
from dtr_content_cache.admission.keys import KeySet, VerifyingKey
from dtr_content_cache.admission.last_answers import LastAnswers, Question, expires_s
from dtr_content_cache.observation import daily
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream import challenge, response_head, via
from dtr_content_cache.upstream.connection import Connection
from dtr_content_cache.upstream.exchange import Exchange, Exchanges
from dtr_content_cache.values import blob_address, byte_range, digest, duration, size
from dtr_content_cache.values.failures import DiscoveryRefused, GrantRefused
from dtr_content_cache.web import addresses, request_head
from dtr_content_cache.web.outside import Outside

from .configurations import CONFIGURATIONS, read_configuration

_UPSTREAM = Upstream("https", "dtr.example.com", 443)
_OBJECT_STORAGE = ("blobs.example.com", "store.example.com:8443")
_REALM_HOSTS = ("auth.example.com",)


class LawBroken(Exception):
    """What was accepted is not what was promised; the text says which."""


@dataclass(frozen=True, slots=True)
class Parser:
    """`read` raises one of `refusals`, LawBroken, or returns; `good`: inputs that it takes."""

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    good: tuple[bytes, ...]

    def judge(self, data: bytes) -> str:
        """Empty where the law is kept, else a sentence."""
        try:
            self.read(data)
        except self.refusals:
            return ""
        except LawBroken as broken:
            return f"{self.name}: {broken}"
        except Exception as stray:
            return f"{self.name}: {type(stray).__name__} instead of a refusal: {str(stray)[:100]}"
        return ""


def _holds(kept: object, law: str) -> None:
    if not kept:
        raise LawBroken(law)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _digest(data: bytes) -> None:
    text = _text(data)
    _holds(str(digest.Digest.parse(text)) == text, "a digest that is written in another way")
    _holds(len(text) == 71 and text.isascii(), "a digest of another form")


def _registry_path(data: bytes) -> None:
    text = _text(data)
    found = addresses.parse_registry_path(text)
    if isinstance(found, blob_address.BlobAddress):
        _holds(found.path == text, "a path that is another blob's")
        _holds(".." not in text and "//" not in text and "%" not in text, "a path with a way out")


def _byte_range(data: bytes) -> None:
    pairs = byte_range.parse_ranges(_text(data))
    for total in (1, 1000, 2**40) if pairs else ():
        pieces = byte_range.resolve_ranges(pairs or (), total)
        _holds(all(0 <= one.start < one.end <= total for one in pieces), "a range outside the blob")
        _holds(sum(one.length for one in pieces) <= total, "more bytes than the blob has")
    _holds(pairs is None or len(pairs) <= byte_range.RANGES_LIMIT, "too many ranges")


def _duration(data: bytes) -> None:
    text = _text(data)
    found = duration.parse_duration_ns(text)
    _holds(abs(found) < 2**63, "a duration that no clock has")
    _holds(re.fullmatch(r"[+-]?(?:[0-9.]+[nuµμmhs]+|0)+", text), "a number in other digits")


def _size(data: bytes) -> None:
    text = _text(data)
    _holds(0 <= size.parse_size_bytes(text) <= 10**15 * 1024**5, "a size of another kind")
    _holds(re.fullmatch(r"[0-9.]+ ?[kKMGTPiB]*", text), "a number in other digits")


_GATE = Gate(signer("EdDSA"))
_TOKEN = _GATE.token()


def _grant(data: bytes) -> None:
    text = _text(data)
    _GATE.ask(text)
    _holds(f"grant={_TOKEN}" in text.split("&"), "another text than the one that was signed")
    others = [unquote(one).lower() for one in text.split("&") if one != f"grant={_TOKEN}"]
    _holds(not any(one.strip().startswith("grant=") for one in others), "a second grant beside the first")


_ANYTHING_SIGNED = KeySet(_GATE.keys.origin, {"key-1": VerifyingKey("key-1", "EdDSA", b"", lambda text, sign: None)})
_HEADER = encode(b'{"alg":"EdDSA","kid":"key-1"}')


def _grant_claims(data: bytes) -> None:
    """What lies behind the signature, as if the true key signed anything."""
    found = grant.verify(f"{_HEADER}.{encode(data)}.AAAA", _ANYTHING_SIGNED)
    grant.check_use(found, ADDRESS, NOW_S, 30)
    text = data.decode("utf-8")
    _holds(0 < found.expires_s - found.issued_s <= 3600, "a grant for longer than an hour")
    _holds(text.count(DIGEST.removeprefix("sha256:")) or "\\u" in text, "another blob's claims")
    _holds(found.account.isprintable() and found.token_id.isprintable(), "a name that changes a log's lines")


def _grant_header(data: bytes) -> None:
    claimed = encode(str(claims()).replace("'", '"').encode())
    grant.verify(f"{encode(data)}.{claimed}.AAAA", _ANYTHING_SIGNED)
    _holds(b"EdDSA" in data or b"\\u" in data, "an algorithm that the key has not")


def _discovery(data: bytes) -> None:
    found = discovery.parse_discovery(data)
    _holds(found.raw == data, "other bytes to relay")
    _holds(re.fullmatch(r"https?://[^/?#@\s]+", found.origin), "an origin with more than a host")
    _holds(found.keys.keys and not re.search(rb'"(?:d|p|q|dp|dq|qi|k)"\s*:.*"kty"', data), "a private key")


def _request_head(data: bytes) -> None:
    found = request_head.parse_request_head(data)
    _holds(found.path.startswith("/") and "#" not in found.path + found.query, "a target that is no path")
    values = "".join((found.method, found.path, found.query, *found.headers, *found.headers.values()))
    _holds(not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", values), "a control character")
    _holds(b"\n" not in data.replace(b"\r\n", b""), "a line that ends by LF")
    _holds(not ("content-length" in found.headers and "transfer-encoding" in found.headers), "two lengths")


def _response_head(data: bytes) -> None:
    found = response_head.parse_response_head(data, bodiless=False)
    _holds(100 <= found.status <= 999, "a status of another kind")
    _holds(found.length is None or (found.length >= 0 and not found.chunked), "two lengths")
    part = found.content_range()
    _holds(part is None or 0 <= part[0] < part[1] <= part[2], "a part outside the whole")
    wait_s = found.retry_after_s(lambda: NOW_S)
    _holds(wait_s is None or 0 <= wait_s <= response_head.RETRY_AFTER_LIMIT_S, "a wait without an end")


def _challenge(data: bytes) -> None:
    text = _text(data)
    if challenge.may_pass_on(text, _UPSTREAM, _REALM_HOSTS):
        _holds("\n" not in text and "\r" not in text, "a second header")
        realms = re.findall(r'realm="([^"]*)"', text, re.IGNORECASE)
        allowed = r"https://(?:dtr|auth)\.example\.com(?::443)?(?:[/?#].*)?"
        bearer = text.lower().startswith("bearer")
        _holds(not bearer or all(re.fullmatch(allowed, one, re.IGNORECASE) for one in realms), "a stranger's realm")


_EXCHANGES = Exchanges(lambda: None, 1.0, _OBJECT_STORAGE)  # type: ignore[arg-type, return-value]


def _location(data: bytes) -> None:
    found, target = _EXCHANGES._allowed(_UPSTREAM, data.decode("latin-1"))
    hosts = {("blobs.example.com", 443), ("store.example.com", 8443)}
    by_name = found.host == "blobs.example.com"
    _holds(found.scheme == "https" and ((found.host, found.port) in hosts or by_name), "a host that nobody named")
    _holds(re.fullmatch(r"[/?!-~][!-~]*", target), "a target that is more than one line's part")


def _link(data: bytes) -> None:
    found = Outside("https://cache.example.com", "dtr").link(_text(data), _UPSTREAM)
    if found is not None:
        ours = ("<https://cache.example.com/v2/dtr/", "<?")
        _holds(found.startswith(ours) and found.count("<") == 1, "a link to somebody else")
        _holds(not re.search(r"[\r\n]", found), "a second header")


def _via(data: bytes) -> None:
    said = via.Via.parse(_text(data)).onward("me")
    _holds(said.isascii() and said.isprintable(), "a header that is more than a line")
    _holds(len(said) < 20_000, "a header that grows")


_CHUNKED = response_head.parse_response_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", bodiless=False)


def _chunks(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(data)
        body = Exchange(Connection(ours), _CHUNKED, lambda connection: None).read_all(len(data))
    while True:
        line, _, data = data.partition(b"\r\n")
        digits = re.match(rb"[0-9A-Fa-f]+", line)
        _holds(digits and not re.search(rb"[\x00-\x08\x0a-\x1f]", line), "a length in other digits")
        length = int(digits[0], 16) if digits else 0
        if length == 0:
            break
        _holds(body[:length] == data[:length] and data[length : length + 2] == b"\r\n", "another body")
        body, data = body[length:], data[length + 2 :]
    _holds(not body, "bytes behind the last chunk")


_NOTE = (
    b'{"said_s": %d, "until_s": 9e9, "digest": "sha256:0", "content_type": "a/b", "challenge": ""}'
    % HandMovedClock().wall()
)
_ASKED = Question("hub", "", "", "org/app", "manifests/1.0")


@dataclass
class _Drawer:
    """All notes are this one."""

    content: bytes

    def secret(self) -> bytes:
        return b"s" * 32

    def read(self, folder: str, name: str) -> bytes:
        return self.content

    def write(self, folder: str, name: str, content: bytes) -> None: ...
    def remove(self, folder: str, name: str | None = None) -> None: ...
    def sweep(self, older_than_s: float, limit: int) -> int:
        return 0


def _last_answer(data: bytes) -> None:
    clock = HandMovedClock()
    found = LastAnswers(_Drawer(data), clock, 3600.0).recall(_ASKED)
    if found is not None:
        _holds(clock.wall() - 3600 < found.said_s <= clock.wall() + 60, "an answer of another time")
        texts = (found.digest, found.content_type, found.challenge)
        _holds(all(re.fullmatch(r"[ -~]*", text) for text in texts), "a text that is more than a header's line")


def _end_of_a_token(data: bytes) -> None:
    said = f"Bearer e30.{encode(data)}.x"
    _holds(min(NOW_S, expires_s(said)) <= NOW_S, "an end that ends nothing")


def _days(data: bytes) -> None:
    days = daily.read(data)
    _holds(all(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day) for day in days), "a day that is none")
    _holds(len(days) <= daily.DAYS_KEPT, "days without an end")
    _holds(daily.read(daily.written(daily.added(days, days))).keys() == days.keys(), "days that cannot be kept")


_HEAD = b"GET /v2/org/app/blobs/" + DIGEST.encode() + b"?grant=x HTTP/1.1\r\nHost: cache:5000"
PARSERS: dict[str, Parser] = {
    one.name: one
    for one in (
        Parser("digest", _digest, (ValueError,), (DIGEST.encode(),)),
        Parser("registry path", _registry_path, (), (ADDRESS.path.encode(), b"/v2/a/manifests/x", b"/v2/a/tags/list")),
        Parser("byte range", _byte_range, (byte_range.RangeNotSatisfiable,), (b"bytes=0-1,5-,-9", b"bytes=0-")),
        Parser("duration", _duration, (ValueError,), (b"24h", b"1h30m1.5s", b"-.5us")),
        Parser("size", _size, (ValueError,), (b"200GB", b"1.5TiB", b"7")),
        Parser("grant", _grant, (GrantRefused,), (f"grant={_TOKEN}".encode(), f"ns=x&grant={_TOKEN}".encode())),
        Parser("grant claims", _grant_claims, (GrantRefused,), (str(claims()).replace("'", '"').encode(),)),
        Parser("grant header", _grant_header, (GrantRefused,), (b'{"alg":"EdDSA","kid":"key-1","typ":"JWT"}',)),
        Parser("discovery document", _discovery, (DiscoveryRefused,), (discovery_document(signer("EdDSA").jwk()),)),
        Parser("request head", _request_head, (request_head.HeadRefused,), (_HEAD + b"\r\nRange: bytes=0-1", _HEAD)),
        Parser(
            "response head",
            _response_head,
            (response_head.HopFailed,),
            (
                b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/9",
                b"HTTP/1.1 429 No\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nTransfer-Encoding: chunked",
            ),
        ),
        Parser(
            "challenge",
            _challenge,
            (),
            (b'Bearer realm="https://auth.example.com/token",service="x"', b'Basic realm="dtr", charset="UTF-8"'),
        ),
        Parser("location", _location, (response_head.HopFailed,), (b"https://blobs.example.com/a?b=c",)),
        Parser("link", _link, (), (b'</v2/org/app/tags/list?n=2&last=b>; rel="next"',)),
        Parser("via", _via, (), (b"1.1 cache.0a1b2c3d, HTTP/1.1 b (x)",)),
        Parser(
            "chunks", _chunks, (response_head.HopFailed,), (b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n",)
        ),
        Parser("last answer", _last_answer, (), (_NOTE,)),
        Parser("end of a token", _end_of_a_token, (), (b'{"exp": 1790000000.5}',)),
        Parser("days", _days, (), (b'{"2026-11-24": [9, 8, 7, 6], "2026-11-25": [0, 0, 0, 0]}',)),
        Parser("configuration", read_configuration, (), CONFIGURATIONS),
    )
}
