"""GET and HEAD of a blob as the registry's clients know them, on a hit and on a miss, byte for byte."""

from __future__ import annotations

import email
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream

SIZE = 700_001
TOTAL = random.Random(7).randbytes(SIZE)


@dataclass
class Office:
    upstream: Upstream
    cache: RunningCache
    digest: str  # TOTAL, on the volume

    def ask(self, method: str = "GET", digest: str = "", **headers: str) -> requests.Response:
        digest = digest or self.digest
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.cache.get(digest, self.upstream.grant(digest), method=method, headers=named)

    def cold(self, size: int = SIZE) -> tuple[str, bytes]:
        """A blob that the cache has never seen."""
        data = random.randbytes(size)
        return self.upstream.add(data), data


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    http = {"headers": {"X-Content-Type-Options": ["nosniff"], "X-Office": ["one", "two"]}}
    with Upstream() as upstream, running_cache(tmp_path_factory.mktemp("office"), [upstream.url], http=http) as cache:
        made = Office(upstream, cache, upstream.add(TOTAL))
        assert made.ask().content == TOTAL
        eventually(lambda: made.ask().headers["Cache-Status"] == "dtr-content-cache; hit")
        yield made


def test_a_hit_has_the_registrys_headers(office: Office) -> None:
    answer = office.ask()

    assert answer.status_code == 200
    assert answer.content == TOTAL
    wanted = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "max-age=31536000",
        "Content-Length": str(SIZE),
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": office.digest,
        "Docker-Distribution-Api-Version": "registry/2.0",
        "ETag": f'"{office.digest}"',
        "Cache-Status": "dtr-content-cache; hit",
        "X-Office": "one, two",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert "Date" in answer.headers
    assert not {"Server", "Last-Modified", "Transfer-Encoding", "Content-Encoding"} & set(answer.headers)


def test_a_head_has_the_headers_of_the_get_and_no_body(office: Office) -> None:
    get, head = office.ask(), office.ask("HEAD")

    assert head.content == b""
    assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}


def test_a_head_of_a_blob_that_is_not_here_fetches_nothing(office: Office) -> None:
    digest, _ = office.cold()

    answer = office.ask("HEAD", digest)

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Cache-Status"].startswith("dtr-content-cache; fwd=")
    assert not office.cache.is_stored(digest)


RANGES = {
    "bytes=0-99": (0, 100),
    "bytes=0-0": (0, 1),
    "bytes=5-": (5, SIZE),
    "bytes=0-": (0, SIZE),
    f"bytes=0-{SIZE - 1}": (0, SIZE),
    f"bytes=0-{SIZE * 10}": (0, SIZE),
    f"bytes={SIZE - 1}-": (SIZE - 1, SIZE),
    f"bytes={SIZE - 1}-{SIZE + 5}": (SIZE - 1, SIZE),
    "bytes=-10": (SIZE - 10, SIZE),
    f"bytes=-{SIZE * 2}": (0, SIZE),
    "bytes=65535-65536": (65535, 65537),
    "Bytes=300000-300099": (300000, 300100),
    "bytes=, 7-8 ,": (7, 9),
}


@pytest.mark.parametrize("place", ["hit", "miss"])
@pytest.mark.parametrize("asked", RANGES)
def test_a_range_is_those_bytes(office: Office, asked: str, place: str) -> None:
    digest, data = (office.digest, TOTAL) if place == "hit" else office.cold()
    start, end = RANGES[asked]

    answer = office.ask(digest=digest, Range=asked)

    assert answer.status_code == 206
    assert answer.content == data[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Docker-Content-Digest"] == digest


def test_a_head_with_a_range_is_the_head_of_the_part(office: Office) -> None:
    answer = office.ask("HEAD", Range="bytes=0-99")

    assert (answer.status_code, answer.headers["Content-Length"]) == (206, "100")
    assert answer.headers["Content-Range"] == f"bytes 0-99/{SIZE}"


@pytest.mark.parametrize(
    "asked", ["foo", "bytes", "bytes=", "bytes=9-5", "bytes=a-b", "bytes=-", "items=0-5", "bytes=0-5,x",
              "bytes=1_0-2_0", "bytes=0x0-0x5", "bytes=+0-5", "bytes=" + ",".join(f"{n}-{n}" for n in range(17))]
)  # fmt: skip
def test_a_range_that_is_none_is_ignored(office: Office, asked: str) -> None:
    answer = office.ask(Range=asked)

    assert answer.status_code == 200
    assert answer.content == TOTAL


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE * 5}-{SIZE * 6}", "bytes=-0", f"bytes={SIZE}-,-0"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_range_beyond_the_end_is_416_with_the_length_and_a_whole_answer(
    office: Office, asked: str, method: str
) -> None:
    answer = office.ask(method, Range=asked)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert method == "HEAD" or int(answer.headers["Content-Length"]) == len(answer.content)
    assert office.ask().status_code == 200, "the connection goes on"


@pytest.mark.parametrize("place", ["hit", "miss"])
def test_several_ranges_are_parts_each_with_its_place(office: Office, place: str) -> None:
    digest, data = (office.digest, TOTAL) if place == "hit" else office.cold()

    answer = office.ask(digest=digest, Range="bytes=0-9, 350000-350999,-5,999999999-")

    assert answer.status_code == 206
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    parts = parts_of(answer)
    assert [part["Content-Range"] for part in parts] == [
        f"bytes 0-9/{SIZE}", f"bytes 350000-350999/{SIZE}", f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}",
    ]  # fmt: skip
    assert [part.get_payload(decode=True) for part in parts] == [data[:10], data[350_000:351_000], data[-5:]]
    assert office.ask("HEAD", Range="bytes=0-9, 350000-350999,-5").headers["Content-Length"] == str(len(answer.content))


def parts_of(answer: requests.Response) -> list[Any]:
    head = f"MIME-Version: 1.0\r\nContent-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    # The parser changes line ends of text, so the parts are taken as they are.
    boundary = answer.headers["Content-Type"].partition("boundary=")[2].encode()
    assert answer.content.endswith(b"--" + boundary + b"--\r\n")
    found = []
    for raw in answer.content.split(b"\r\n--" + boundary)[1:-1]:
        head, _, body = raw[2:].partition(b"\r\n\r\n")
        part = email.message_from_bytes(head + b"\r\n\r\n")
        part.get_payload = lambda decode, body=body: body  # type: ignore[method-assign]
        found.append(part)
    return found


def test_ranges_that_overlap_beyond_the_blob_are_the_blob_once(office: Office) -> None:
    answer = office.ask(Range="bytes=0-,0-,0-,0-,0-,0-,0-,0-")

    assert len(answer.content) == SIZE
    assert answer.content == TOTAL


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If_None_Match": "{etag}"}, 304),
        ({"If_None_Match": '"x", W/{etag}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"x"'}, 200),
        ({"If_Match": "{etag}"}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": "W/{etag}"}, 412),
        ({"If_Match": '"x"', "If_None_Match": "{etag}"}, 412),
        ({"If_Match": "{etag}", "If_None_Match": "{etag}"}, 304),
        ({"If_Modified_Since": "Mon, 01 Jan 2035 00:00:00 GMT"}, 200),
        ({"If_Range": "{etag}", "Range": "bytes=0-4"}, 206),
        ({"If_Range": '"x"', "Range": "bytes=0-4"}, 200),
        ({"If_Range": "W/{etag}", "Range": "bytes=0-4"}, 200),
        ({"If_Range": "Mon, 01 Jan 2035 00:00:00 GMT", "Range": "bytes=0-4"}, 200),
        ({"If_None_Match": "{etag}", "Range": "bytes=0-4"}, 304),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_are_those_of_rfc_9110(office: Office, condition: dict[str, str], status: int, method: str) -> None:
    headers = {name: value.format(etag=f'"{office.digest}"') for name, value in condition.items()}

    answer = office.ask(method, **headers)

    assert answer.status_code == status
    if method == "GET" and status in (200, 206):
        assert answer.content == (TOTAL if status == 200 else TOTAL[:5])
    if status == 304:
        assert answer.content == b""
        assert answer.headers["ETag"] == f'"{office.digest}"'
        assert "Content-Length" not in answer.headers


def test_a_condition_does_not_stand_in_for_a_grant(office: Office) -> None:
    url = f"{office.cache.url}/v2/org/app/blobs/{office.digest}"

    assert office.cache.session.get(url, headers={"If-None-Match": "*"}, timeout=10).status_code == 403


@pytest.mark.parametrize("asked", [None, "bytes=0-", "bytes=-1", "bytes=5-9"])
def test_an_empty_blob_is_a_blob(office: Office, asked: str | None) -> None:
    digest = office.upstream.add(b"")

    for cache in ("fwd=uri-miss", "hit"):
        answer = office.ask(digest=digest, **({"Range": asked} if asked and cache == "hit" else {}))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Length"] == "0"


def test_an_unknown_blob_is_404_with_the_registrys_body(office: Office) -> None:
    digest = "sha256:" + "0" * 64

    for method in ("GET", "HEAD"):
        answer = office.ask(method, digest)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert office.ask(digest=digest).json() == {
        "errors": [{"code": "BLOB_UNKNOWN", "message": "blob unknown to registry", "detail": digest}]
    }
